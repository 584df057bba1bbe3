import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isTest, readSources, type SourceFile } from './sources.ts';

/** Who may import whom: the table of ARCHITECTURE.md. `contracts` may be imported by all. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'libs/contracts': [],
  'libs/trust': ['contracts'],
  'libs/tlog': ['contracts'],
  'libs/resilience': ['contracts'],
  'libs/chassis': ['contracts', 'trust', 'resilience'],
  'libs/client': ['contracts', 'trust'],
  'libs/testkit': ['contracts', 'trust', 'tlog', 'resilience', 'chassis', 'client'],
  services: ['contracts', 'trust', 'tlog', 'resilience', 'chassis', 'client'],
  'ops/cli': ['client', 'contracts', 'trust', 'tlog', 'resilience'],
  'ops/schemas': ['trust'],
};
/** Files outside any package that a package may reach by path, and why. */
const SHARED_FILES: readonly string[] = [
  'ops/models/llama-vocabulary.ts', // The recipe of an artifact, run by `models pull`.
  'ops/models/gguf.ts', // The writer of our models' format, with which a test makes models of other families.
];

/** Fixed by the product's owner, whatever would start sooner without them. `ts-proto` writes the code of `proto/`, by `buf.gen.yaml`. */
const FIXED_PACKAGES = ['nats', '@grpc/grpc-js', '@noble/secp256k1', 'opossum', '@opentelemetry/sdk-node', 'prom-client'];

const sources = readSources();

describe('the packages that are fixed', () => {
  it.each(FIXED_PACKAGES)('%s is in use, outside tests', (name) => {
    const users = sources.filter(({ path, text }) => !isTest(path) && new RegExp(`(?:from|import\\() ?'${name}['/]`).test(text));
    expect(users).not.toEqual([]);
  });
});

describe('imports between packages', () => {
  it('follow the import table', () => {
    const wrong = sources
      .filter(({ path }) => !path.startsWith('test/'))
      .flatMap((file) =>
        packagesOf(file)
          .filter((name) => !mayImport(file.path, name))
          .map((name) => `${file.path} imports ${name}`),
      );
    expect(wrong).toEqual([]);
  });

  it('never lead from one service to another', () => {
    const wrong = sources
      .filter(({ path }) => path.startsWith('services/'))
      .flatMap((file) => [...file.text.matchAll(/from '@smartlite\/service-([a-z]+)/g)].map(([text]) => `${file.path}: ${text}`));
    expect(wrong).toEqual([]);
  });

  it('go through a package’s door, never by a path into its inside', () => {
    const wrong = sources.flatMap((file) =>
      pathsOf(file)
        .filter((target) => homeOf(target) !== homeOf(file.path) && !SHARED_FILES.includes(target))
        .map((target) => `${file.path} reaches into ${target}`),
    );
    expect(wrong.filter((line) => !line.startsWith('test/') && !line.startsWith('ops/models/'))).toEqual([]);
  });
});

/** `libs/trust`, `services/asr`, `ops/cli`: the folder of the package that a file belongs to. */
function homeOf(path: string): string {
  const [top = '', second = ''] = path.split('/');
  return top === 'test' ? top : `${top}/${second}`;
}

function packagesOf({ text }: SourceFile): string[] {
  return [...text.matchAll(/(?:from|import\() ?'@smartlite\/([a-z-]+)/g)].map(([, name]) => name ?? '');
}

function mayImport(path: string, name: string): boolean {
  const home = homeOf(path);
  if (home.endsWith(`/${name}`)) return true;
  if (isTest(path) && (name === 'testkit' || home.startsWith('libs/'))) return true;
  return (MAY_IMPORT[home.startsWith('services/') ? 'services' : home] ?? []).includes(name);
}

function pathsOf({ path, text }: SourceFile): string[] {
  return [...text.matchAll(/(?:from|import\() ?'(\.{1,2}\/[^']+)'/g)].map(([, target]) =>
    posix.join(posix.dirname(path), target ?? ''),
  );
}
