import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chunksOf, hashArtifact, type ManifestEntry, verifyChunk } from '@smartlite/trust';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { patrol, restMs, shuffled } from './patrol.ts';

/** Three chunks, the last one short. */
const SIZE = 9_000_000;
const CHUNKS = [0, 1, 2];

/** In memory, where nothing writes a dirty page back: what the disk of a store does for half a minute lasts here. */
const IN_MEMORY = '/dev/shm';

async function store(): Promise<{ readonly root: string; readonly file: string; readonly entry: ManifestEntry } & Disposable> {
  const root = mkdtempSync(join(IN_MEMORY, 'smartlite-patrol-'));
  const file = join(root, 'ears', 'data.bin');
  mkdirSync(join(root, 'ears'));
  writeFileSync(file, Buffer.alloc(SIZE, 'no weights\n'));
  const shape = { id: 'ears', path: 'ears/data.bin', role: 'weights', format: 'data', size: SIZE } as const;
  const hashed = await hashArtifact(root, shape);
  const entry = {
    ...shape,
    sha256: hashed.sha256.toString('hex'),
    tree: hashed.tree.toString('hex'),
    chunks: hashed.leaves.map((leaf) => leaf.toString('hex')),
  };
  return { root, file, entry, [Symbol.dispose]: () => rmSync(root, { recursive: true }) };
}

/** Makes a page dirty with what it held, and writes to it when it is told to: the kernel notes the time of the first write alone. */
const HOLDER = `
import mmap, sys
with open(sys.argv[1], 'r+b') as file:
    mapping = mmap.mmap(file.fileno(), 0)
    at = 5000000
    mapping[at:at + 1] = mapping[at:at + 1]
    print('held', flush=True)
    sys.stdin.readline()
    mapping[at:at + 4] = b'evil'
    print('written', flush=True)
    sys.stdin.readline()
`;

async function holderOf(file: string): Promise<ChildProcess & AsyncDisposable> {
  const child = spawn('python3', ['-c', HOLDER, file], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const end = async () => {
    child.stdin.end();
    if (child.exitCode === null) await once(child, 'exit');
  };
  return Object.assign(child, { [Symbol.asyncDispose]: end });
}

async function writes(holder: ChildProcess): Promise<void> {
  holder.stdin?.write('\n');
  await once(holder.stdout as NodeJS.ReadableStream, 'data');
}

/** All that the second tier compares. */
function tuple(file: string): readonly bigint[] {
  const { dev, ino, mode, uid, nlink, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
  return [dev, ino, mode, uid, nlink, size, mtimeNs, ctimeNs];
}

/** Resolves with the first suspicion. */
async function suspected(root: string, entry: ManifestEntry, proven: boolean): Promise<void> {
  const ending = new AbortController();
  const seen = Promise.withResolvers<void>();
  const beat = { manifest: [entry] };
  const stillProven = async () => proven;
  const going = patrol({ root, beat: () => beat, stillProven, onChange: () => seen.resolve(), proveEveryMs: 1 }, ending.signal);
  await seen.promise;
  ending.abort();
  await going;
}

describe('the patrol of a store', () => {
  it('finds a write through a mapping of which the tuple of the inode shows nothing', async () => {
    using own = await store();
    await using holder = await holderOf(own.file);
    for (const index of CHUNKS) await verifyChunk(own.root, own.entry, index);
    const before = tuple(own.file);
    await writes(holder);
    expect(tuple(own.file)).toEqual(before);
    await suspected(own.root, own.entry, true);
    await verifyChunk(own.root, own.entry, 0);
    await expect(verifyChunk(own.root, own.entry, 1)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      findings: [{ artifact: 'ears', chunks: [{ index: 1, fromByte: 4_194_304, toByte: 8_388_608 }] }],
    });
  });

  it('suspects a lock that can be proven no longer, such as one that has ended', async () => {
    using own = await store();
    await suspected(own.root, own.entry, false);
  });

  it('reads every chunk once in a round, whatever the order', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer()), (items) => {
        expect(shuffled(items).toSorted((a, b) => a - b)).toEqual(items.toSorted((a, b) => a - b));
      }),
    );
  });

  it('rests so long that its work stays within two per cent, and never longer than ten seconds', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 200, noNaN: true }), (workMs) => {
        expect(workMs / (workMs + restMs(workMs))).toBeLessThanOrEqual(0.02 + 1e-9);
      }),
    );
    expect(restMs(60_000)).toBe(10_000);
  });

  it('leaves several chunks under a lock that lists none to the full verification', async () => {
    using own = await store();
    const { chunks: _chunks, ...older } = own.entry;
    expect([chunksOf(own.entry), chunksOf(older), chunksOf({ ...older, size: 100 })]).toEqual([3, 0, 1]);
  });
});
