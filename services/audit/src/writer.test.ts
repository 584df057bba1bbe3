import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createIdentity, createLocalDomain, readPrivateKey, roleIdentity, roleTrust } from '@smartlite/trust';
import { noteKey } from '@smartlite/tlog';
import { manualClock, seededIds, temporaryFolder } from '@smartlite/testkit';
import { describe, expect, it } from 'vitest';
import { checkLog } from './checker.fixture.ts';
import type { Delivery, Disk, Index, VerificationLog } from './engine.ts';
import { type Fault, FAULTS, faulty, memoryDisk } from './faultydisk.fixture.ts';
import { sqliteIndex } from './stores/index.ts';
import { verificationLogFile } from './stores/verificationlog.ts';
import { signedProducer } from './producer.fixture.ts';
import { TreeLog } from './treelog.ts';
import { Writer } from './writer.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const ORIGIN = 'smartlite/test/local';
const key = { key: noteKey(ORIGIN, publicKey), privateKey };

const domain = await createLocalDomain('test', Date.now());
const [authority = ''] = domain.intermediate.chain;
const issuer = { key: readPrivateKey(domain.intermediate.key), certificate: authority };
const { key: pem, chain } = await createIdentity(issuer, { role: 'instance', fleet: 'test', subject: 'llm-1' }, Date.now());
const producer = signedProducer({ identity: roleIdentity('instance', pem, chain.join('\n')), fleet: 'test' });
/** Every entry but the key is one that the view shows. */
const bytesOf = (counter: number) => producer.bytes(counter, counter === 1 ? {} : { kind: 'verification.passed' });

/** A batch's writes of the log (bundle, tile; then mark, checkpoint), and the steps after them, in their order. */
const WRITES = [1, 2, 3, 4] as const;
const STEPS = [...WRITES, 'index', 'view', 'receipts', 'bus'] as const;
type Step = (typeof STEPS)[number];
interface Crash {
  readonly step: Step;
  readonly fault: Fault;
}

/** A bus that brings everything again until it is done, and what outlives a crash: disk, index, view, receipts. */
function world(folder: string) {
  const [disk, keys] = [memoryDisk(), memoryDisk()];
  const bus = new Map<string, Buffer>();
  const receipts: { id: string; index: number }[] = [];
  const file = join(folder, 'view.log');
  // What it has committed outlives a killed process, as its file does; the disk is spared.
  const index = sqliteIndex(':memory:');
  return {
    disk,
    bus,
    receipts,
    file,
    /** One life of the process, which crashes at a step, before or after it was done. */
    live: async (crash?: Crash) => {
      const view = verificationLogFile(file, ORIGIN);
      const at =
        <T extends unknown[]>(step: Step, work: (...given: T) => void) =>
        (...given: T) => {
          const crashes = crash?.step === step;
          if (!crashes || crash.fault === 'applied but unacknowledged') work(...given);
          if (crashes) throw new Error(`killed at ${step}`);
        };
      const add = at('index', (...given: Parameters<Index['add']>) => index.add(...given));
      const crashingIndex = Object.setPrototypeOf({ add }, index) as Index;
      const show = at('view', (...given: Parameters<VerificationLog['add']>) => view.add(...given));
      const crashingView = Object.setPrototypeOf({ add: show }, view) as VerificationLog;
      const send = at('receipts', (logged: readonly { id: string; index: number }[]) => void receipts.push(...logged));
      const writer = new Writer({
        log: new TreeLog(...disksOf(disk, keys, crash), key),
        trust: roleTrust(domain.trust),
        index: crashingIndex,
        view: crashingView,
        receipts: { send },
        clock: manualClock(),
        ids: seededIds(),
        onRemark: (remark) => expect.fail(JSON.stringify(remark)),
      });
      const deliveries = [...bus].map(
        ([id, bytes]): Delivery => ({ service: 'llm', bytes, done: at('bus', () => void bus.delete(id)), again: () => {} }),
      );
      await writer.open();
      await writer.take(deliveries);
    },
  };
}

/** Disks that fail at the n-th write of this life, where the crash is one of those. */
function disksOf(disk: Disk, keys: Disk, crash: Crash | undefined): readonly [Disk, Disk] {
  if (typeof crash?.step !== 'number') return [disk, keys];
  const count = { writes: 0 };
  return [faulty(disk, crash.step, crash.fault, count), faulty(keys, crash.step, crash.fault, count)];
}

/** Three entries in peace, three with a crash, as many lives more as there are crashes, and one entry after all. Each once, everywhere. */
async function outlives(first: Crash, second: Crash | undefined): Promise<void> {
  using folder = temporaryFolder();
  const { live, bus, disk, receipts, file } = world(folder.path);
  const arrive = (from: number, to: number) => {
    for (let counter = from; counter <= to; counter += 1) bus.set(String(counter), bytesOf(counter));
  };
  arrive(1, 3);
  await live();
  expect(bus.size).toBe(0);
  arrive(4, 6);
  await expect(live(first)).rejects.toThrow(/killed at|no answer to the write/);
  const acknowledged = receipts.length;
  // What the first crash had done already, the second life need not do again: then it meets no crash.
  if (second) await live(second).catch((caught: unknown) => expect(String(caught)).toMatch(/killed at|no answer to the write/));
  await live();
  arrive(7, 7);
  await live();
  expect(bus.size).toBe(0);
  expect(checkLog(disk.files, publicKey)).toBe(7);
  const shown = readFileSync(file, 'utf8').trim().split('\n');
  expect(shown.map((line) => (JSON.parse(line) as { id: string }).id)).toEqual([2, 3, 4, 5, 6, 7].map((n) => `llm-1.b0.${n}`));
  // Every receipt that was ever given is true of the log as it is now.
  expect(receipts.length).toBeGreaterThan(acknowledged);
  for (const { id, index } of receipts) expect(id).toBe(`llm-1.b0.${index + 1}`);
  expect(new Set(receipts.map(({ id }) => id)).size).toBe(7);
}

describe.each(STEPS.flatMap((step) => FAULTS.map((fault) => ({ step, fault }))))(
  'a service killed at step $step ($fault), and again at any step of its next life',
  (first) => {
    it('logs every entry once, shows it once, and gives its receipt', async () => {
      for (const second of [undefined, ...STEPS.map((step) => ({ step, fault: first.fault }))]) await outlives(first, second);
    });
  },
);
