import { describe, expect, it } from 'vitest';
import { read } from './sources.ts';

interface Entry {
  readonly version?: string;
  readonly resolved?: string;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}
type Manifest = Entry & { readonly private?: boolean };

const { packages } = JSON.parse(read('package-lock.json').text) as { packages: Record<string, Entry> };
const workspaces = Object.keys(packages).filter((path) => path !== '' && !path.includes('node_modules'));
const manifestOf = (path: string) => JSON.parse(read(path === '' ? 'package.json' : `${path}/package.json`).text) as Manifest;

describe('the lockfile', () => {
  it('names no registry', () => {
    expect(
      Object.entries(packages)
        .filter(([, { resolved }]) => /^https?:/.test(resolved ?? ''))
        .map(([path]) => path),
    ).toEqual([]);
  });

  it.each(['', ...workspaces])('agrees with package.json of "%s", so that npm ci accepts it', (path) => {
    const wanted = manifestOf(path);
    for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies'] as const)
      expect(packages[path]?.[kind] ?? {}).toEqual(wanted[kind] ?? {});
  });
});

describe('dependencies', () => {
  it('are pinned exactly', () => {
    const ranges = ['', ...workspaces].flatMap((path) => {
      const { dependencies, devDependencies, optionalDependencies } = manifestOf(path);
      return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
        .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
        .map(([name, version]) => `${path}: ${name} ${version}`);
    });
    expect(ranges).toEqual([]);
  });

  it('each have their reason in ops/decisions/dependencies.md', () => {
    const { text } = read('ops/decisions/dependencies.md');
    const names = new Set(
      ['', ...workspaces].flatMap((path) =>
        Object.keys({
          ...manifestOf(path).dependencies,
          ...manifestOf(path).devDependencies,
          ...manifestOf(path).optionalDependencies,
        }),
      ),
    );
    expect([...names].filter((name) => !name.startsWith('@smartlite/') && !text.includes(`\`${name}\``))).toEqual([]);
  });
});
