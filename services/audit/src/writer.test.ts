import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createIdentity, createLocalDomain, readPrivateKey, roleIdentity, roleTrust } from '@smartlite/trust';
import { noteKey } from '@smartlite/tlog';
import { manualClock, seededIds, temporaryFolder } from '@smartlite/testkit';
import { describe, expect, it } from 'vitest';
import { checkLog } from './checker.fixture.ts';
import type { Delivery, Index, VerificationLog } from './engine.ts';
import { type Fault, FAULTS, memoryDisk } from './faultydisk.fixture.ts';
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

/** The steps after the log's own, in their order. */
const STEPS = ['index', 'view', 'receipts', 'bus'] as const;
type Step = (typeof STEPS)[number];

/** A bus that brings everything again until it is done, and what outlives a crash: disk, index, view, receipts. */
function world(folder: string) {
  const [disk, keys] = [memoryDisk(), memoryDisk()];
  const bus = new Map<string, Buffer>();
  const receipts: { id: string; index: number }[] = [];
  const file = join(folder, 'view.log');
  return {
    disk,
    bus,
    receipts,
    file,
    /** One life of the process, which crashes at a step, before or after it was done. */
    live: async (crash?: { readonly step: Step; readonly fault: Fault }) => {
      const index = sqliteIndex(join(folder, 'index.sqlite'));
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
        log: new TreeLog(disk, keys, key),
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
      try {
        await writer.open();
        await writer.take(deliveries);
      } finally {
        index.close();
      }
    },
  };
}

describe.each(STEPS.flatMap((step) => FAULTS.map((fault) => ({ step, fault }))))(
  'a service killed at $step ($fault)',
  (crash) => {
    it('logs every entry once, shows it once, and gives its receipt', async () => {
      using folder = temporaryFolder();
      const { live, bus, disk, receipts, file } = world(folder.path);
      const arrive = (from: number, to: number) => {
        for (let counter = from; counter <= to; counter += 1) bus.set(String(counter), bytesOf(counter));
      };
      arrive(1, 3);
      await live();
      expect(bus.size).toBe(0);
      arrive(4, 6);
      await expect(live(crash)).rejects.toThrow(`killed at ${crash.step}`);
      await live();
      arrive(7, 7);
      await live();
      expect(bus.size).toBe(0);
      expect(checkLog(disk.files, publicKey)).toBe(7);
      const shown = readFileSync(file, 'utf8').trim().split('\n');
      expect(shown.map((line) => (JSON.parse(line) as { id: string }).id)).toEqual(
        [2, 3, 4, 5, 6, 7].map((n) => `llm-1.b0.${n}`),
      );
      const given = new Map(receipts.map(({ id, index }) => [id, index]));
      expect([...given]).toEqual([1, 2, 3, 4, 5, 6, 7].map((n) => [`llm-1.b0.${n}`, n - 1]));
    });
  },
);
