import { describe, expect, it } from 'vitest';
import { isTest, readSources } from './sources.ts';

/** Folders whose purpose is to meet the outside world. */
const DOORS = ['libs/chassis/', 'libs/client/', '/engines/', '/stores/', 'services/gateway/src/doors/', 'ops/cli/src/up/'];
/** A command is where a program gets its environment and the time from. */
const COMMANDS = [...DOORS, 'ops/cli/src/'];
/** Files that train or evaluate models are programs of their own, not parts of the mesh. */
const RECIPES = 'ops/models/';

interface Rule {
  readonly what: string;
  readonly pattern: RegExp;
  readonly allowed: readonly string[];
}

const RULES: readonly Rule[] = [
  { what: 'the environment', pattern: /\bprocess\.env\b/, allowed: COMMANDS },
  { what: 'the clock', pattern: /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bprocess\.hrtime\b/, allowed: COMMANDS },
  // Keys, serial numbers and nonces are made where they are defined; everything else is given its chance.
  {
    what: 'chance',
    pattern: /\bMath\.random\(|\brandomUUID\(|\brandomBytes\(|\bgetRandomValues\(/,
    allowed: [...COMMANDS, 'libs/trust/src/certificates/issue.ts', 'libs/trust/src/domain.ts'],
  },
  {
    what: 'sockets',
    pattern: /from 'node:(net|http|https|http2|tls|dgram)'|from 'ws'|\bfetch\(|\bnew WebSocket\(/,
    allowed: DOORS,
  },
  { what: 'NATS', pattern: /^import (?!type).*from 'nats'/m, allowed: DOORS },
  { what: 'gRPC', pattern: /^import (?!type).*from '@grpc\//m, allowed: DOORS },
  { what: 'processes', pattern: /from 'node:child_process'/, allowed: DOORS },
];

const sources = readSources().filter(({ path }) => !isTest(path) && !path.startsWith(RECIPES));

describe('the outside world', () => {
  for (const { what, pattern, allowed } of RULES) {
    it(`is met in its own folders only: ${what}`, () => {
      const wrong = sources.filter(
        ({ path, text }) => !allowed.some((folder) => path.includes(folder)) && pattern.test(withoutComments(text)),
      );
      expect(wrong.map(({ path }) => path)).toEqual([]);
    });
  }

  it('is not met by the pure libraries, not even by way of files', () => {
    const pure = sources.filter(({ path }) => /^libs\/(tlog|resilience)\//.test(path));
    expect(pure.filter(({ text }) => /from 'node:(fs|os|worker_threads)/.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}
