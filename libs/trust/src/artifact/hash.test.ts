import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../digest.ts';
import type { ManifestEntry } from '../lock.ts';
import { assertChunks } from './chunks.ts';
import { hashArtifact } from './hash.ts';
import { CHUNK_BYTES, treeRoot } from './tree.ts';
import { verifyArtifacts } from './verify.ts';

/** Several chunks, the last one short. */
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
  const { sha256, tree, leaves } = await hashArtifact(root, shape);
  expect(sha256.toString('hex')).toBe(sha256Hex(bytes));
  const chunks = leaves.length > 1 ? { chunks: leaves.map((leaf) => leaf.toString('hex')) } : {};
  const entry = { ...shape, sha256: sha256.toString('hex'), tree: tree.toString('hex'), ...chunks };
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

function flip(path: string, position: number): void {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.of(1), 0, 1, position);
  closeSync(file);
}

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

  it.each([
    [0, 0],
    [CHUNK_BYTES - 1, 0],
    [CHUNK_BYTES, 1],
    [LARGE - 1, 5],
  ])('finds a bit that is flipped at byte %i, and says that it is in chunk %i', async (position, index) => {
    using target = await folder(LARGE);
    flip(target.file, position);
    const range = { index, fromByte: index * CHUNK_BYTES, toByte: Math.min(LARGE, (index + 1) * CHUNK_BYTES) };
    for (const options of [{ workers: 0 }, { workers: 2 }, { workers: 0, both: true }])
      expect((await verifyArtifacts(target.root, [target.entry], options)).findings).toEqual([
        {
          code: 'DIGEST_MISMATCH',
          artifact: 'a',
          message: expect.stringContaining(`in 1 of its 6 chunks of 4194304 bytes: ${index} (bytes ${range.fromByte} to`),
          chunks: [range],
        },
      ]);
  });

  it('says of an artifact of one chunk that it is that one', async () => {
    using target = await folder(100);
    flip(target.file, 7);
    const { findings } = await verifyArtifacts(target.root, [target.entry], { workers: 0 });
    expect(findings).toMatchObject([{ code: 'DIGEST_MISMATCH', chunks: [{ index: 0, fromByte: 0, toByte: 100 }] }]);
  });

  it('names every chunk that differs, and tells of the first ones in words', async () => {
    using target = await folder(LARGE);
    writeFileSync(target.file, Buffer.alloc(LARGE));
    const [found] = (await verifyArtifacts(target.root, [target.entry], { workers: 2 })).findings;
    expect(found?.chunks?.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(found?.message).toContain('and 3 more');
  });

  it('still refuses what differs from a lock that lists no chunks, without saying where', async () => {
    using target = await folder(LARGE);
    flip(target.file, 7);
    const { chunks: _chunks, ...older } = target.entry;
    const [found] = (await verifyArtifacts(target.root, [older], { workers: 0 })).findings;
    expect(found).toEqual({
      code: 'DIGEST_MISMATCH',
      artifact: 'a',
      message: expect.stringContaining('does not match the lock: restore'),
    });
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

describe('the chunks that an entry lists', () => {
  it('are those of its tree, or the lock contradicts itself', async () => {
    using target = await folder(LARGE);
    const { entry } = target;
    const chunks = entry.chunks ?? [];
    assertChunks([entry]);
    for (const wrong of [chunks.toReversed(), chunks.slice(1), [...chunks, chunks[0] ?? '']])
      expect(() => assertChunks([{ ...entry, chunks: wrong }])).toThrow(expect.objectContaining({ code: 'TREE_MISMATCH' }));
  });
});

describe('the tree of an empty artifact', () => {
  it('has the hash of nothing, as RFC 6962 says', () => {
    expect(treeRoot([]).toString('hex')).toBe(sha256Hex(new Uint8Array()));
  });
});
