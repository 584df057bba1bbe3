// `npm run bench audit`: durable entries a second through the log's writer (signatures judged, fsynced, indexed), beside one fsync per
// entry on the same disk; and how fast `audit verify` reads the log again, with and without judging who wrote the entries.
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { seededIds, temporaryFolder, testDomain } from '@smartlite/testkit';
import { noteKey } from '@smartlite/tlog';
import { roleTrust } from '@smartlite/trust';
import { logFolder } from '../../ops/cli/src/audit/stores/folder.ts';
import { verifyLog } from '../../ops/cli/src/audit/verify.ts';
import type { Delivery } from '../../services/audit/src/engine.ts';
import { signedProducer } from '../../services/audit/src/producer.fixture.ts';
import { diskFolder } from '../../services/audit/src/stores/disk.ts';
import { sqliteIndex } from '../../services/audit/src/stores/index.ts';
import { TreeLog } from '../../services/audit/src/treelog.ts';
import { Writer } from '../../services/audit/src/writer.ts';
import { spread } from './measure.ts';

const ENTRIES = 8_192;
/** As many as the service takes from the bus at once. */
const BATCH = 1_024;
const ONE_BY_ONE = 200;
const RUNS = 3;
const ORIGIN = 'smartlite/bench/local';
const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

export default async function bench(): Promise<void> {
  const rates: Record<'batches' | 'single' | 'fsync' | 'verify' | 'verifyAll', number[]> = {
    batches: [],
    single: [],
    fsync: [],
    verify: [],
    verifyAll: [],
  };
  for (let run = 0; run < RUNS; run += 1) {
    using folder = temporaryFolder();
    using domain = await testDomain({ fleet: 'bench' });
    const { trust } = await domain.modelFiles();
    const own = signedProducer({ identity: await domain.identity('instance', 'llm-1'), fleet: 'bench' });
    const lines = Array.from({ length: ENTRIES + ONE_BY_ONE }, (_, at) => own.bytes(at + 1));
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const key = noteKey(ORIGIN, publicKey);
    const log = new TreeLog(diskFolder(join(folder.path, 'log')), diskFolder(join(folder.path, 'keys')), { key, privateKey });
    const index = sqliteIndex(join(folder.path, 'index.sqlite'));
    const view = { last: -1, add() {} };
    const writer = new Writer({
      log,
      trust: roleTrust(trust),
      index,
      receipts: { send() {} },
      view,
      clock,
      ids: seededIds(),
      onRemark: ({ kind }) => console.error(`the bench's own entries made a ${kind}`),
    });
    await writer.open();
    rates.batches.push(await perSecond(ENTRIES, () => takeAll(writer, lines.slice(0, ENTRIES), BATCH)));
    rates.single.push(await perSecond(ONE_BY_ONE, () => takeAll(writer, lines.slice(ENTRIES), 1)));
    rates.fsync.push(
      await perSecond(ONE_BY_ONE, async () => oneFsyncEach(join(folder.path, 'peer'), lines.slice(0, ONE_BY_ONE))),
    );
    index.close();
    const place = { folder: join(folder.path, 'log'), files: logFolder(join(folder.path, 'log')), key, mark: undefined };
    const checked = async (judged: typeof trust | undefined, name: string) => {
      const { ok, entries } = await verifyLog({ ...place, seen: join(folder.path, name), trust: judged });
      if (!ok || entries !== lines.length) throw new Error('the log of the bench does not verify');
    };
    rates.verify.push(await perSecond(lines.length, () => checked(undefined, 'seen-1')));
    rates.verifyAll.push(await perSecond(lines.length, () => checked(trust, 'seen-2')));
  }
  console.log(`entries              ${ENTRIES} of about 550 bytes, signed and chained`);
  console.log(`log, batches of ${BATCH}  ${spread(rates.batches, 'durable entries/s')}`);
  console.log(`log, one at a time   ${spread(rates.single, 'durable entries/s')}`);
  console.log(`one fsync per entry  ${spread(rates.fsync, 'durable entries/s')}   (the peer: a plain file)`);
  console.log(
    `log : peer           ${spread(
      rates.batches.map((rate, at) => rate / (rates.fsync[at] ?? Number.NaN)),
      'times',
      1,
    )}`,
  );
  console.log(`audit verify         ${spread(rates.verify, 'entries/s')}`);
  console.log(`  and its signatures ${spread(rates.verifyAll, 'entries/s')}`);
}

async function takeAll(writer: Writer, lines: readonly Uint8Array[], batch: number): Promise<void> {
  for (let at = 0; at < lines.length; at += batch)
    await writer.take(lines.slice(at, at + batch).map((bytes): Delivery => ({ service: 'llm', bytes, done() {}, again() {} })));
}

function oneFsyncEach(file: string, lines: readonly Uint8Array[]): void {
  const fd = openSync(file, 'a');
  for (const line of lines) {
    writeSync(fd, line);
    fdatasyncSync(fd);
  }
  closeSync(fd);
}

async function perSecond(count: number, work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (count * 1_000) / (performance.now() - startMs);
}
