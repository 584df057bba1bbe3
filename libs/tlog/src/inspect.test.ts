import { describe, expect, it } from 'vitest';
import { decodeBundle, encodeBundle } from './bundle.ts';
import { leafHash } from './hash.ts';
import { inspectLog } from './inspect.ts';
import { memoryLog, someEntries } from './memorylog.fixture.ts';

const COUNT = 700;
const entries = someEntries(COUNT);
const FIRST = 'tile/entries/000';
const LAST = 'tile/entries/002.p/188';

/** A log, changed by the test, and what an inspection names. */
async function inspect(
  change: (log: ReturnType<typeof memoryLog>) => void,
  known: readonly { size: number; of?: readonly Uint8Array[] }[] = [],
) {
  const log = memoryLog(entries);
  // Untouched, it is whole: what is found after the change is found because of the change.
  expect((await inspectLog(log.reader, log.key)).findings).toEqual([]);
  const checkpoints = known.map(({ size, of }) => ({ checkpoint: log.sign(size, of), from: 'the test' }));
  change(log);
  const { findings } = await inspectLog(log.reader, log.key, { known: checkpoints });
  return findings.map(({ code, where }) => `${code} ${where}`);
}
const edit = (path: string, change: (entries: Uint8Array[]) => Uint8Array[]) => (log: ReturnType<typeof memoryLog>) =>
  void log.files.set(path, encodeBundle(change([...decodeBundle(log.files.get(path) as Uint8Array, path)])));
const flipByte = (path: string, at: number) => (log: ReturnType<typeof memoryLog>) => {
  const copy = Buffer.from(log.files.get(path) as Uint8Array);
  copy[at] = (copy[at] as number) ^ 1;
  log.files.set(path, copy);
};
const swap = (a: number, b: number) => (list: Uint8Array[]) =>
  list.map((entry, at) => (at === a ? list[b] : at === b ? list[a] : entry) as Uint8Array);

describe('a log that was left alone', () => {
  it('is whole, whatever its size', async () => {
    for (const size of [0, 1, 255, 256, 257, 512, 600]) {
      const log = memoryLog(entries.slice(0, size));
      expect(await inspectLog(log.reader, log.key)).toMatchObject({ findings: [], entries: size, checkpoint: { size } });
    }
  });

  it('begins with every checkpoint that it ever had', async () => {
    expect(await inspect(() => {}, [{ size: 1 }, { size: 256 }, { size: 511 }, { size: COUNT }])).toEqual([]);
  });

  it('is whole, too, after a later append has replaced its partial tiles', async () => {
    const log = memoryLog(entries);
    log.files.set('tile/1/000.p/1', (log.files.get('tile/1/000.p/2') as Uint8Array).subarray(0, 32));
    log.files.set('checkpoint', Buffer.from(log.sign(500).note));
    expect((await inspectLog(log.reader, log.key)).findings).toEqual([]);
  });

  it('gives every entry, in order', async () => {
    const log = memoryLog(entries);
    const seen: string[] = [];
    await inspectLog(log.reader, log.key, { onEntry: (entry, index) => seen.push(`${index}: ${Buffer.from(entry).toString()}`) });
    expect(seen).toEqual(entries.map((entry, index) => `${index}: ${Buffer.from(entry).toString()}`));
  });
});

describe('a log in which something was changed', () => {
  it('names the entry of which a byte was changed', async () => {
    expect(await inspect(flipByte(FIRST, 4))).toEqual([`ENTRY_CHANGED entry 0 in ${FIRST}`]);
    expect(await inspect(edit(LAST, (list) => list.map((entry, at) => (at === 187 ? Buffer.from('forged') : entry))))).toEqual([
      `ENTRY_CHANGED entry 699 in ${LAST}`,
    ]);
  });

  it('says something for each byte of every file, and for each file that is gone', async () => {
    const small = someEntries(3);
    const { files } = memoryLog(small);
    for (const [path, bytes] of files) {
      for (let at = 0; at < bytes.length; at += 1) {
        const log = memoryLog(small);
        flipByte(path, at)(log);
        const { findings } = await inspectLog(log.reader, log.key);
        expect(findings.length, `byte ${at} of ${path}`).toBeGreaterThan(0);
      }
      const log = memoryLog(small);
      log.files.delete(path);
      expect((await inspectLog(log.reader, log.key)).findings.length, `${path} deleted`).toBeGreaterThan(0);
    }
  });

  it('names the entry that was dropped, in a full bundle and in the last', async () => {
    expect(await inspect(edit(FIRST, (list) => list.toSpliced(17, 1)))).toEqual([`ENTRY_DROPPED entry 17 in ${FIRST}`]);
    expect(await inspect(edit(LAST, (list) => list.toSpliced(0, 1)))).toEqual([`ENTRY_DROPPED entry 512 in ${LAST}`]);
    expect(await inspect(edit(LAST, (list) => list.slice(0, -1)))).toEqual([`ENTRY_DROPPED entry 699 in ${LAST}`]);
  });

  it('names the one entry that was dropped, even when all later bundles were written anew', async () => {
    const shifted = memoryLog(entries.toSpliced(17, 1));
    const names = [FIRST, 'tile/entries/001', LAST];
    expect(
      await inspect((log) => {
        for (const path of names)
          log.files.set(path, shifted.files.get(path) ?? (shifted.files.get('tile/entries/002.p/187') as Uint8Array));
      }),
    ).toEqual([`ENTRY_DROPPED entry 17 in ${FIRST}`]);
  });

  it('names entries that changed places', async () => {
    expect(await inspect(edit(FIRST, swap(3, 200)))).toEqual([`ENTRY_REORDERED entries 3, 200 in ${FIRST}`]);
    expect(await inspect(edit(FIRST, swap(254, 255)))).toEqual([`ENTRY_REORDERED entries 254, 255 in ${FIRST}`]);
  });

  it('names the hash that was changed, since the entries still lead to the signed root', async () => {
    expect(await inspect(flipByte('tile/0/001', 64))).toEqual(['TILE_CHANGED hash 2 in tile/0/001']);
    expect(await inspect(flipByte('tile/1/000.p/2', 0))).toEqual(['TILE_CHANGED hash 0 in tile/1/000.p/2']);
  });

  it('names the range when an entry and its leaf hash were changed together', async () => {
    const forged = Buffer.from('forged');
    const found = await inspect((log) => {
      edit(FIRST, (list) => list.with(9, forged))(log);
      const tile = Buffer.from(log.files.get('tile/0/000') as Uint8Array);
      tile.set(leafHash(forged), 9 * 32);
      log.files.set('tile/0/000', tile);
    });
    expect(found).toEqual(['ENTRY_CHANGED hash 0 in tile/1/000.p/2']);
  });

  it('knows a log that was written anew as a whole, by the root', async () => {
    const other = memoryLog(entries.with(9, Buffer.from('forged')));
    const found = await inspect((log) => {
      for (const [path, bytes] of other.files) if (path !== 'checkpoint') log.files.set(path, bytes);
    });
    expect(found).toEqual(['ROOT_MISMATCH checkpoint']);
  });

  it('notices that its tail was cut', async () => {
    expect(
      await inspect((log) => {
        for (const path of [LAST, 'tile/0/002.p/188']) log.files.delete(path);
      }),
    ).toEqual([`TAIL_CUT ${LAST}`]);
  });

  it('is judged soon, whatever size its checkpoint names', async () => {
    const found = await inspect((log) => {
      const { note } = log.sign(Number.MAX_SAFE_INTEGER, entries);
      log.files.set('checkpoint', Buffer.from(note));
    });
    expect(found.at(-1)).toBe('TAIL_CUT tile/entries/002');
  });

  it('notices a checkpoint that was changed, or signed by another key, or is gone', async () => {
    const stranger = memoryLog(entries);
    expect(await inspect((log) => log.files.set('checkpoint', stranger.files.get('checkpoint') as Uint8Array))).toEqual([
      'SIGNATURE_MISSING checkpoint',
    ]);
    expect(await inspect((log) => log.files.delete('checkpoint'))).toEqual(['CHECKPOINT_MISSING checkpoint']);
  });
});

describe('a log whose key is in the wrong hands', () => {
  it('is known by the checkpoint that was seen before, when an older one is put back', async () => {
    const found = await inspect(
      (log) => {
        for (const [path, bytes] of memoryLog(entries.slice(0, 300)).files) log.files.set(path, bytes);
        log.files.set('checkpoint', Buffer.from(log.sign(300).note));
      },
      [{ size: 400 }],
    );
    expect(found).toEqual(['ROLLED_BACK checkpoint']);
  });

  it('is known by the checkpoint that was seen before, when the history is forked', async () => {
    const fork = entries.with(9, Buffer.from('forged'));
    expect(await inspect(() => {}, [{ size: 300, of: fork }])).toEqual(['FORKED checkpoint']);
    expect(await inspect(() => {}, [{ size: COUNT, of: fork }])).toEqual(['FORKED checkpoint']);
  });
});
