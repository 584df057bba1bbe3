import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import type { AuditEntry } from '@smartlite/contracts';
import { manualClock, seededIds, temporaryFolder } from '@smartlite/testkit';
import { noteKey } from '@smartlite/tlog';
import { createIdentity, createLocalDomain, readPrivateKey, roleIdentity, roleTrust } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import { checkLog } from './checker.fixture.ts';
import { ENTRY_MAX_BYTES, LOG_PRODUCER } from './entry.ts';
import { memoryDisk } from './faultydisk.fixture.ts';
import { signedProducer } from './producer.fixture.ts';
import type { Remark } from './sequencer.ts';
import { sqliteIndex } from './stores/index.ts';
import { verificationLogFile } from './stores/verificationlog.ts';
import { TreeLog } from './treelog.ts';
import { Writer } from './writer.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const ORIGIN = 'smartlite/test/local';
const domain = await createLocalDomain('test', Date.now());
const [certificate = ''] = domain.intermediate.chain;
const issuer = { key: readPrivateKey(domain.intermediate.key), certificate };
const { key: pem, chain } = await createIdentity(issuer, { role: 'instance', fleet: 'test', subject: 'llm-1' }, Date.now());
const producer = signedProducer({ identity: roleIdentity('instance', pem, chain.join('\n')), fleet: 'test' });

/** What whoever may publish on the command line's subject can write without any key. */
const unsigned = (more: Partial<AuditEntry>): Buffer => {
  const { producer: name = 'cli', boot = 'b9', counter = 1 } = more;
  const entry = { producer: name, boot, counter, service: 'cli', atUnixMs: 1, kind: 'key.changed', actor: 'eve', traceId: null };
  return Buffer.from(
    JSON.stringify({ id: `${name}.${boot}.${counter}`, salt: '0'.repeat(32), previous: null, facts: {}, ...entry, ...more }),
  );
};
/** The name of a fact, as long as an entry can be, whose value is none. */
const longName = (): Buffer => {
  const text = unsigned({ facts: { x: null } }).toString();
  return Buffer.from(text.replace('"x":null', `"${'n'.repeat(ENTRY_MAX_BYTES - text.length - 2)}":{}`));
};
const PAST_ALL_TIME = 8.64e15 + 1;

describe('a trail that somebody with a way to the bus wants to end', () => {
  it.each<[string, string, () => Buffer]>([
    ['names the log itself as its producer', 'cli', () => unsigned({ producer: LOG_PRODUCER, boot: 'log', counter: 1 })],
    ['takes the next place of another producer', 'cli', () => unsigned({ producer: 'llm-1', boot: 'b0', counter: 3 })],
    ['certifies a key without having one', 'cli', () => unsigned({ kind: 'key.certified', facts: { certificate: '{' } })],
    ['names a fact so that its refusal would be no entry', 'cli', longName],
    [
      'is of a time that no date can name',
      'llm',
      () => Buffer.from(producer.other(3, { kind: 'verification.passed', atUnixMs: PAST_ALL_TIME })),
    ],
  ])('goes on, and is opened again, after an entry that %s: it is refused by name', async (_what, service, attack) => {
    using folder = temporaryFolder();
    const [disk, keys, index] = [memoryDisk(), memoryDisk(), sqliteIndex(':memory:')];
    const remarks: Remark[] = [];
    const life = async (...entries: readonly (readonly [string, Buffer])[]) => {
      const writer = new Writer({
        log: new TreeLog(disk, keys, { key: noteKey(ORIGIN, publicKey), privateKey }),
        trust: roleTrust(domain.trust),
        index,
        view: verificationLogFile(join(folder.path, 'view.log'), ORIGIN),
        receipts: { send() {} },
        clock: manualClock(),
        ids: seededIds(),
        onRemark: (remark) => remarks.push(remark),
      });
      await writer.open();
      await writer.take(entries.map(([from, bytes]) => ({ service: from, bytes, done() {}, again() {} })));
    };
    await life(['llm', producer.bytes(1)], ['llm', producer.bytes(2)]);
    await life([service, attack()]);
    expect(remarks.map(({ kind }) => kind)).toEqual(['trail.refused']);
    // The log's own words are entries as well: its next one follows them.
    await life(['llm', producer.bytes(3)], [service, Buffer.from('{')]);
    expect(remarks.map(({ kind }) => kind)).toEqual(['trail.refused', 'trail.refused']);
    expect(index.find(producer.id(3))).toBeDefined();
    await life();
    expect(checkLog(disk.files, publicKey)).toBe(5);
  });
});
