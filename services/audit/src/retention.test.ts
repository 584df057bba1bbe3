import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { manualClock, seededIds, temporaryFolder, testDomain } from '@smartlite/testkit';
import { inspectLog, noteKey } from '@smartlite/tlog';
import { roleTrust } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import { checkLog } from './checker.fixture.ts';
import { memoryDisk } from './faultydisk.fixture.ts';
import { signedProducer } from './producer.fixture.ts';
import { sqliteIndex } from './stores/index.ts';
import { TreeLog } from './treelog.ts';
import { Writer } from './writer.ts';

const DAY_MS = 86_400_000;
const RETENTION_MS = 365 * DAY_MS;
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const key = { key: noteKey('smartlite/test/local', publicKey), privateKey };

/** A log that is opened anew at each age, as a service that is restarted, and takes one more entry there. */
async function grown(agesMs: readonly number[]) {
  using folder = temporaryFolder();
  using domain = await testDomain({ fleet: 'test' });
  const { trust } = await domain.modelFiles();
  const producer = signedProducer({ identity: await domain.identity('instance', 'llm-1'), fleet: 'test' });
  const [disk, keys, clock] = [memoryDisk(), memoryDisk(), manualClock()];
  const removed: string[] = [];
  const watched = { ...disk, remove: async (path: string) => (removed.push(path), disk.remove(path)) };
  let counter = 0;
  let age = 0;
  for (const [at, ageMs] of agesMs.entries()) {
    clock.advance(ageMs - age);
    age = ageMs;
    const index = sqliteIndex(join(folder.path, 'index.sqlite'));
    const writer = new Writer({
      log: new TreeLog(watched, keys, key),
      trust: roleTrust(trust),
      index,
      receipts: { send() {} },
      view: { last: -1, add() {} },
      clock,
      ids: seededIds(),
      onRemark: (remark) => expect.fail(JSON.stringify(remark)),
    });
    await writer.open();
    const count = at === 0 ? 300 : 1;
    const lines = Array.from({ length: count }, () => producer.bytes((counter += 1)));
    await writer.take(lines.map((bytes) => ({ service: 'llm', bytes, done() {}, again() {} })));
    index.close();
  }
  return { disk, removed };
}

describe('a log at the age of its retention', () => {
  it('has lost nothing: a day before, at the millisecond, and long after', async () => {
    const { disk, removed } = await grown([
      0,
      RETENTION_MS - DAY_MS,
      RETENTION_MS - 1,
      RETENTION_MS,
      RETENTION_MS + 1,
      3 * RETENTION_MS,
    ]);
    expect(checkLog(disk.files, publicKey)).toBe(305);
    // Partial tiles that a full one has replaced are all that ever goes.
    expect(removed.filter((path) => !path.endsWith('.p'))).toEqual([]);
    expect(removed.length).toBeGreaterThan(0);
  });

  it('names whoever removes its oldest entries', async () => {
    const { disk } = await grown([0, RETENTION_MS - 1]);
    expect((await inspectLog(disk, key.key)).findings).toEqual([]);
    disk.files.delete('tile/entries/000');
    const { findings } = await inspectLog(disk, key.key);
    expect(findings.map(({ code, where }) => `${code} ${where}`)).toEqual(['BUNDLE_MISSING tile/entries/000']);
  });
});
