import { generateKeyPairSync } from 'node:crypto';
import { inspectLog, nodesOf, noteKey, proveConsistency, verifyProof } from '@smartlite/tlog';
import { describe, expect, it } from 'vitest';
import { checkConsistency, checkLog, checkProof } from './checker.fixture.ts';
import { FAULTS, faulty, memoryDisk } from './faultydisk.fixture.ts';
import { MARK_PATH, TreeLog } from './treelog.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const key = { key: noteKey('smartlite/test/local', publicKey), privateKey };
const entries = (from: number, count: number) => Array.from({ length: count }, (_, at) => Buffer.from(`{"n":${from + at}}`));
const texts = async (log: TreeLog) => {
  const read: string[] = [];
  for await (const { bytes } of log.read(0)) read.push(Buffer.from(bytes).toString());
  return read;
};

async function logOf(...batches: number[]) {
  const [disk, keys] = [memoryDisk(), memoryDisk()];
  const log = new TreeLog(disk, keys, key);
  await log.open();
  let size = 0;
  for (const count of batches) {
    await log.append(entries(size, count));
    size += count;
  }
  return { disk, keys, log, size };
}
const whole = async (disk: ReturnType<typeof memoryDisk>) => {
  expect((await inspectLog(disk, key.key)).findings).toEqual([]);
  // The other opinion, by code that shares nothing with the log.
  return checkLog(disk.files, publicKey);
};

describe('a log on the disk', () => {
  it('is whole after every append, whatever the batches, and is taken up where it was left', async () => {
    for (const batches of [[1], [255, 1], [256], [257], [100, 200, 300], [600, 1, 1], [300, 300, 300]]) {
      const { disk, keys, size } = await logOf(...batches);
      expect(await whole(disk)).toBe(size);
      const again = new TreeLog(disk, keys, key);
      await again.open();
      await again.append(entries(size, 5));
      expect(await whole(disk)).toBe(size + 5);
      expect(await texts(again)).toEqual(entries(0, size + 5).map(String));
    }
  });

  it('proves each entry by one file', async () => {
    const { log } = await logOf(300, 3);
    for (const position of [0, 255, 256, 302]) {
      const proven = verifyProof(await log.prove(position), key.key);
      expect(proven).toMatchObject({ index: position, checkpoint: { size: 303 } });
      expect(Buffer.from(proven.entry).toString()).toBe(`{"n":${position}}`);
      // The other opinion, on the same file; and on one that says another index.
      const text = await log.prove(position);
      expect(checkProof(text, publicKey)).toEqual({ entry: `{"n":${position}}`, index: position, size: 303 });
      expect(() => checkProof(text.replace(/^index .*$/m, `index ${position + 1}`), publicKey)).toThrow();
    }
  });

  it('proves that it begins with every log that it was', async () => {
    const { disk, log } = await logOf(100, 156, 47, 300);
    const nodes = nodesOf(disk, 603);
    const [newer, newerRoot] = [603n, Buffer.from(log.checkpoint.root)];
    for (const size of [1, 100, 255, 256, 257, 303, 512, 602, 603]) {
      const olderRoot = Buffer.from(await log.rootAt(size), 'hex');
      const proof = (await proveConsistency(size, 603, nodes)).map((hash) => Buffer.from(hash));
      const claim = { older: BigInt(size), newer, olderRoot, newerRoot, proof };
      checkConsistency(claim);
      expect(() => checkConsistency({ ...claim, olderRoot: Buffer.alloc(32, 1) })).toThrow();
      expect(() => checkConsistency({ ...claim, newerRoot: Buffer.alloc(32, 1) })).toThrow();
    }
  });
});

describe.each(FAULTS)('a disk that fails in the middle of an append (%s)', (fault) => {
  it('loses and doubles nothing that a checkpoint covered, at whichever write it fails, and goes on', async () => {
    let failures = 0;
    for (let at = 1; ; at += 1) {
      const { disk, keys, size } = await logOf(254);
      const count = { writes: 0 };
      const log = new TreeLog(faulty(disk, at, fault, count), faulty(keys, at, fault, count), key);
      await log.open();
      const failed = await log.append(entries(size, 5)).then(
        () => false,
        () => true,
      );
      if (!failed) break;
      failures += 1;
      await expect(log.append(entries(size, 1)), 'no append before it is opened again').rejects.toThrow(/open the log again/);
      const healed = new TreeLog(disk, keys, key);
      await healed.open();
      // Either none or all of the batch: what the mark covers counts.
      expect([size, size + 5]).toContain(healed.checkpoint.size);
      expect((await texts(healed)).slice(0, size)).toEqual(entries(0, size).map(String));
      await healed.append(entries(900, 300));
      expect(await whole(disk)).toBe(healed.checkpoint.size);
      expect(new Set(await texts(healed)).size).toBe(healed.checkpoint.size);
    }
    // Bundles, tiles, mark and checkpoint: if fewer writes were tried, a step has lost its test.
    expect(failures).toBe(7);
  });
});

describe('a log that was put back from a backup', () => {
  it('is not continued: a second history under one name would be signed', async () => {
    const { disk, keys, log, size } = await logOf(10);
    const backup = new Map(disk.files);
    await log.append(entries(size, 3));
    const restored = new TreeLog(memoryDisk(backup), keys, key);
    await expect(restored.open()).rejects.toMatchObject({ code: 'ROLLED_BACK' });
    await expect(restored.append(entries(0, 1))).rejects.toThrow();
    expect(keys.files.get(MARK_PATH)?.toString()).toBe(log.checkpoint.note);
  });

  it('is not continued when a byte of its tail was changed, or when its files are another history', async () => {
    const { disk, keys } = await logOf(300);
    const path = 'tile/entries/001.p/44';
    const changed = Buffer.from(disk.files.get(path) as Uint8Array);
    changed[5] = (changed[5] as number) ^ 1;
    await expect(new TreeLog(memoryDisk(new Map(disk.files).set(path, changed)), keys, key).open()).rejects.toMatchObject({
      code: 'ROLLED_BACK',
    });
    const other = await logOf(100, 200);
    const forked = new TreeLog(memoryDisk(), memoryDisk(), key);
    await forked.open();
    await forked.append(entries(5_000, 300));
    await expect(
      new TreeLog(other.disk, memoryDisk(new Map([[MARK_PATH, Buffer.from(forked.checkpoint.note)]])), key).open(),
    ).rejects.toMatchObject({
      code: 'FORKED',
    });
  });
});
