import { beforeAll, describe, expect, it } from 'vitest';
import { type Ack, openAck, signAck } from './ack.ts';
import { openAlarm, signAlarm } from './alarm.ts';
import { openNonceReply, signNonceReply } from './nonce.ts';
import { openOrder, signOrder } from './operator.ts';
import { openStatus, signStatus } from './status.ts';
import { status, T0, testFleet } from './testfleet.ts';

const alarm = {
  service: 'asr',
  instance: 'asr-1',
  store: 'store-1',
  artifact: 'weights',
  digest: null,
  code: 'DIGEST_MISMATCH',
  message: 'differs',
  lockDigest: null,
  raisedUnixMs: T0,
} as const;
const of = { fleet: 'fleet-a', generation: 1 };

describe('signed messages of the lock', () => {
  let fleet: Awaited<ReturnType<typeof testFleet>>;
  let other: Awaited<ReturnType<typeof testFleet>>;
  let leader: Awaited<ReturnType<typeof fleet.identity>>;
  let instance: Awaited<ReturnType<typeof fleet.identity>>;

  beforeAll(async () => {
    fleet = await testFleet();
    other = await testFleet();
    leader = await fleet.identity('lock-status');
    instance = await fleet.identity('instance');
  });

  it('come back as they were signed, with the key that signed them', () => {
    const opened = openStatus(signStatus(status(), leader), fleet.trust, T0);
    expect(opened.status).toEqual(status());
    expect(opened.keyId).toBe(leader.keyId);
  });

  it('are refused when one bit of payload or signature differs', () => {
    const envelope = JSON.parse(Buffer.from(signStatus(status(), leader)).toString()) as {
      payload: string;
      signatures: { sig: string }[];
    };
    const forged = Buffer.from(envelope.payload, 'base64').toString().replace('"mode":"normal"', '"mode":"halted"');
    const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
    expect(() => openStatus(bytes({ ...envelope, payload: Buffer.from(forged).toString('base64') }), fleet.trust, T0)).toThrow(
      /does not hold/,
    );
    const sig = Buffer.alloc(64, 1).toString('base64');
    expect(() => openStatus(bytes({ ...envelope, signatures: [{ ...envelope.signatures[0], sig }] }), fleet.trust, T0)).toThrow(
      /does not hold/,
    );
  });

  it('are refused from a key of another role, another root, another fleet, or past its certificate', async () => {
    const stranger = await other.identity('lock-status');
    expect(() => openStatus(signStatus(status(), instance), fleet.trust, T0)).toThrow(/is for instance/);
    expect(() => openStatus(signStatus(status(), stranger), fleet.trust, T0)).toThrow(/not issued by a key that is trusted/);
    expect(() => openStatus(signStatus(status({ fleet: 'fleet-b' }), leader), fleet.trust, T0)).toThrow(/fleet-b/);
    expect(() => openStatus(signStatus(status({ generation: 2 }), leader), fleet.trust, T0)).toThrow(/generation 2/);
    expect(() => openStatus(signStatus(status(), leader), fleet.trust, T0 + 90_000_000)).toThrow(/ended at/);
  });

  it('are never valid as a message of another kind', () => {
    const signed = signAlarm(alarm, of, leader);
    expect(() => openStatus(signed, fleet.trust, T0)).toThrow(/is a application\/vnd.smartlite.lock-alarm/);
    expect(() => openAlarm(signStatus(status(), leader), fleet.trust, T0)).toThrow(/is a application/);
  });

  it('carry the alarm and the ack of an instance, and of no other than who signed', () => {
    expect(openAlarm(signAlarm(alarm, of, instance), fleet.trust, T0)).toMatchObject({ alarm, keyId: instance.keyId });
    const ack: Ack = {
      service: 'asr',
      instance: 'asr-1',
      region: 'local',
      mode: 'safe',
      generation: 1,
      epoch: 1,
      revision: 2,
      beat: 3,
      lockDigest: null,
      appliedUnixMs: T0,
      openAlarms: [],
    };
    expect(openAck(signAck(ack, of, instance), fleet.trust, T0)).toMatchObject({ ack });
    const another = { ...ack, instance: 'asr-2' };
    expect(() => openAck(signAck(another, of, instance), fleet.trust, T0)).toThrow('in the name of asr-2, and signed by asr-1');
    const others = { ...alarm, instance: 'asr-2' };
    expect(() => openAlarm(signAlarm(others, of, instance), fleet.trust, T0)).toThrow('in the name of asr-2');
  });

  it('refuse a nonce reply that carries the status of another leader', async () => {
    const second = await fleet.identity('lock-status', 'two');
    const answer = { ...of, nonce: 'ab'.repeat(16), epoch: 1, leaderMs: 5, status: signStatus(status(), leader) };
    expect(openNonceReply(signNonceReply(answer, leader), fleet.trust, T0).status?.status.mode).toBe('normal');
    expect(() => openNonceReply(signNonceReply(answer, second), fleet.trust, T0)).toThrow(/another leader/);
  });

  it('take orders from operators alone', async () => {
    const operator = await fleet.identity('operator');
    const order = {
      ...of,
      action: 'enter',
      mode: 'safe',
      reason: 'drill',
      notAfterUnixMs: T0 + 1_000,
      nonce: 'cd'.repeat(16),
    } as const;
    expect(openOrder(signOrder(order, operator), fleet.trust, T0)).toMatchObject({ order, operator: operator.keyId });
    expect(() => openOrder(signOrder(order, leader), fleet.trust, T0)).toThrow(/is for lock-status/);
  });

  it('end in bounded time on what is no envelope at all', () => {
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('null'),
      Buffer.from('{"payloadType":1}'),
      Buffer.alloc(1_000_000, '['),
      Buffer.from([0xff, 0xfe]),
    ]) {
      expect(() => openStatus(bytes, fleet.trust, T0)).toThrow();
    }
  });
});
