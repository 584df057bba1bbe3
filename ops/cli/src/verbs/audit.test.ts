import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '@smartlite/testkit';
import { Edge, encodeBundle, encodeProof, encodeVerifierKey, leafHash, noteKey, signCheckpoint } from '@smartlite/tlog';
import { Command } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { registerAudit } from './audit.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const key = noteKey('smartlite/elsewhere/local', publicKey);
const ENTRY = {
  id: 'llm-1.b0.1',
  producer: 'llm-1',
  service: 'llm',
  boot: 'b0',
  counter: 1,
  atUnixMs: 1,
  kind: 'call.served',
  actor: 'acme/ann',
  traceId: null,
  previous: null,
  facts: {},
};

/** A log that somebody hands over, with these entries and its public key. */
function logOf(...entries: readonly string[]) {
  const folder = temporaryFolder();
  const bytes = entries.map((entry) => Buffer.from(entry));
  const edge = Edge.empty();
  for (const each of bytes) edge.append(each);
  const { note } = signCheckpoint({ size: bytes.length, root: edge.root() }, key, privateKey);
  const file = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(folder.path, path)), { recursive: true });
    writeFileSync(join(folder.path, path), content);
    return join(folder.path, path);
  };
  file('checkpoint', note);
  file(`tile/entries/000.p/${bytes.length}`, encodeBundle(bytes));
  file(`tile/0/000.p/${bytes.length}`, Buffer.concat(bytes.map((each) => leafHash(each))));
  const path = bytes.slice(1, 2).map((each) => leafHash(each));
  const proof = encodeProof({ entry: bytes[0] ?? Buffer.of(), index: 0, path, checkpoint: note });
  vi.stubEnv('SMARTLITE_HOME', join(folder.path, 'home'));
  const given = ['--log', folder.path, '--key', file('log.vkey', encodeVerifierKey(key))];
  return { file, proof, run: (...words: readonly string[]) => run(...words, ...given), [Symbol.dispose]: folder[Symbol.dispose] };
}

/** What a command prints, and its exit code; what it throws is thrown. */
async function run(...words: readonly string[]) {
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  const before = process.exitCode;
  const program = new Command();
  registerAudit(program);
  try {
    await program.parseAsync(['node', 'smartlite', 'audit', ...words]);
    return { text: lines.join('\n'), code: process.exitCode ?? 0 };
  } finally {
    process.exitCode = before;
  }
}
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});
const problem = (exitCode: number, message: string) =>
  expect.objectContaining({ name: 'Problem', exitCode, message: expect.stringContaining(message) }) as Error;

describe('smartlite audit', () => {
  it('reads: it has no command that changes or removes anything of the trail', () => {
    const program = new Command();
    registerAudit(program);
    const [audit] = program.commands;
    expect(audit?.commands.map((command) => command.name())).toEqual(['query', 'verify', 'prove']);
  });
});

describe('a log that somebody else hands over', () => {
  it('is verified, searched, and its proof checked, with its public key alone', async () => {
    using log = logOf(JSON.stringify(ENTRY));
    expect(await log.run('verify')).toMatchObject({
      code: 0,
      text: expect.stringContaining('all 1 entries are what was logged'),
    });
    expect(await log.run('query')).toMatchObject({ code: 0, text: expect.stringContaining('call.served') });
    expect(await log.run('verify', '--proof', log.file('proof', log.proof))).toMatchObject({ code: 0 });
  });

  it('is not held against a checkpoint that is not there, or is none: that is misuse, and no agreement', async () => {
    using log = logOf(JSON.stringify(ENTRY));
    await expect(log.run('verify', '--checkpoint', '/nowhere')).rejects.toThrowError(problem(2, '/nowhere'));
    const rubbish = log.file('rubbish', 'no note');
    await expect(log.run('verify', '--checkpoint', rubbish)).rejects.toThrowError(problem(2, 'rubbish'));
    const { note } = signCheckpoint({ size: 1, root: Buffer.alloc(32) }, key, privateKey);
    expect(await log.run('verify', '--checkpoint', log.file('fork', note))).toMatchObject({
      code: 1,
      text: expect.stringContaining('FORKED'),
    });
  });

  it('is not taken for one that is gone where its folder is named wrongly', async () => {
    await expect(run('verify', '--log', '/nowhere', '--key', '/nowhere')).rejects.toThrowError(
      problem(2, '/nowhere: there is no such'),
    );
  });

  it.each([
    ['no JSON', 'rubbish'],
    ['no object', 'null'],
    ['of a time that no date can name', JSON.stringify({ ...ENTRY, atUnixMs: 9e15 })],
  ])('and holds an entry that is %s is named as that, in a search and in a proof', async (_what, entry) => {
    using log = logOf(entry);
    await expect(log.run('query')).rejects.toThrowError(problem(1, 'entry 0 is no audit entry'));
    const proof = log.file('proof', log.proof);
    await expect(log.run('verify', '--proof', proof)).rejects.toThrowError(problem(1, 'entry 0 is no audit entry'));
  });

  it('and is damaged is named as that in a search, too', async () => {
    using log = logOf(JSON.stringify(ENTRY));
    log.file('tile/entries/000.p/1', Buffer.of(255, 255, 1));
    await expect(log.run('query')).rejects.toThrowError(problem(1, 'BUNDLE_MALFORMED'));
  });

  it('steers nobody’s terminal', async () => {
    using log = logOf(JSON.stringify({ ...ENTRY, actor: '\u001b[2J\u009b31m', facts: { text: '\u202egnp' } }));
    const { text } = await log.run('query');
    expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    expect(text).toContain('\\u001b[2J');
  });
});
