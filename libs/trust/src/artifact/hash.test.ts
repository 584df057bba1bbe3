import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../digest.ts';
import type { ManifestEntry } from '../lock.ts';
import { hashArtifact } from './hash.ts';
import { CHUNK_BYTES, treeRoot } from './tree.ts';
import { verifyArtifacts } from './verify.ts';

/** Above the size from which the tree is taken, and no whole number of chunks. */
const LARGE = 5 * CHUNK_BYTES + 12_345;

async function folder(
  size: number,
): Promise<{ readonly root: string; readonly file: string; readonly entry: ManifestEntry } & Disposable> {
  const root = mkdtempSync(join(tmpdir(), 'smartlite-hash-'));
  const file = join(root, 'a', 'data.bin');
  const bytes = Buffer.alloc(size, 'some bytes that are no weights\n');
  mkdirSync(join(root, 'a'));
  writeFileSync(file, bytes);
  const shape = { id: 'a', path: 'a/data.bin', role: 'weights', format: 'data', size } as const;
  const { sha256, tree } = await hashArtifact(root, shape);
  expect(sha256.toString('hex')).toBe(sha256Hex(bytes));
  const entry = { ...shape, sha256: sha256.toString('hex'), tree: tree.toString('hex') };
  return { root, file, entry, [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) };
}

const codes = async (root: string, entry: ManifestEntry, workers: number, both = false) =>
  (await verifyArtifacts(root, [entry], { workers, both })).findings.map(({ code }) => code);

describe('an artifact that changes while it is hashed', () => {
  it.each([
    ['grows', 'GREW_WHILE_READ', (file: string) => appendFileSync(file, 'x')],
    ['is cut short', 'GREW_WHILE_READ', (file: string) => truncateSync(file, 10)],
    ['is written to in place', 'CHANGED_WHILE_READ', (file: string) => writeFileSync(file, 'X', { flag: 'r+' })],
    ['is replaced by rename', 'CHANGED_WHILE_READ', replaceByRename],
    ['is removed', 'CHANGED_WHILE_READ', (file: string) => rmSync(file)],
  ])('is refused with its own finding: it %s', async (_how, code, act) => {
    using target = await folder(LARGE);
    let done = false;
    const onBytes = () => {
      if (!done) act(target.file);
      done = true;
    };
    await expect(hashArtifact(target.root, target.entry, { onBytes })).rejects.toMatchObject({ code });
  });
});

function replaceByRename(file: string): void {
  writeFileSync(`${file}.new`, 'x'.repeat(LARGE));
  renameSync(`${file}.new`, file);
}

describe('verification', () => {
  it.each([0, 1, 10, CHUNK_BYTES, CHUNK_BYTES + 1, LARGE])(
    'proves %i bytes in this thread, in worker threads, and both ways',
    async (size) => {
      using target = await folder(size);
      expect(await codes(target.root, target.entry, 0)).toEqual([]);
      expect(await codes(target.root, target.entry, 2)).toEqual([]);
      expect(await codes(target.root, target.entry, 2, true)).toEqual([]);
    },
  );

  it.each([0, CHUNK_BYTES, LARGE - 1])('finds a bit that is flipped in a large artifact at byte %i', async (position) => {
    using target = await folder(LARGE);
    const { openSync, writeSync, closeSync } = await import('node:fs');
    const file = openSync(target.file, 'r+');
    writeSync(file, Buffer.of(1), 0, 1, position);
    closeSync(file);
    expect(await codes(target.root, target.entry, 0)).toEqual(['DIGEST_MISMATCH']);
    expect(await codes(target.root, target.entry, 2)).toEqual(['DIGEST_MISMATCH']);
  });

  it('names a lock that contradicts itself', async () => {
    using target = await folder(100);
    const entry = { ...target.entry, tree: '0'.repeat(64) };
    expect(await codes(target.root, entry, 0, true)).toEqual(['TREE_MISMATCH']);
  });

  it('tells how far it is, up to the last byte', async () => {
    using target = await folder(LARGE);
    let last = 0;
    await verifyArtifacts(target.root, [target.entry], { workers: 2, onProgress: ({ bytesDone }) => (last = bytesDone) });
    expect(last).toBe(LARGE);
  });

  it('ends at once when it is no longer wanted', async () => {
    using target = await folder(LARGE);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(verifyArtifacts(target.root, [target.entry], { workers: 2, signal })).rejects.toThrow('enough');
  });
});

describe('the tree of an empty artifact', () => {
  it('has the hash of nothing, as RFC 6962 says', () => {
    expect(treeRoot([]).toString('hex')).toBe(sha256Hex(new Uint8Array()));
  });
});
