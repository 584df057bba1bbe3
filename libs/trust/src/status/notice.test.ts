import { describe, expect, it } from 'vitest';
import { openNotice, signNotice } from './notice.ts';
import { signAlarm } from './alarm.ts';
import { T0, testFleet } from './testfleet.ts';

const notice = {
  subject: 'smartlite.event.mode.changed',
  id: 'id-1',
  source: '/smartlite/asr/asr-1',
  time: '2026-06-01T00:00:00Z',
};
const body = Buffer.from('{"to":"safe"}');

describe('an event that an instance has signed', () => {
  it('is proven with exactly its subject, attributes and data, and with nothing else', async () => {
    const { trust, identity } = await testFleet();
    const own = await identity('instance');
    const bytes = signNotice(notice, body, trust, own);
    expect(openNotice(bytes, { ...notice, body }, trust, T0).keyId).toBe(own.keyId);
    const changes = [
      { subject: 'smartlite.event.key.rotated' },
      { id: 'id-2' },
      { source: '/smartlite/llm/llm-1' },
      { time: '2027-01-01T00:00:00Z' },
      { body: Buffer.from('{"to":"normal"}') },
    ];
    for (const change of changes) expect(() => openNotice(bytes, { ...notice, body, ...change }, trust, T0)).toThrow(/not/);
  });

  it('is refused from another fleet, and from who has no role that speaks', async () => {
    const [own, other] = [await testFleet(), await testFleet('fleet-b')];
    const foreign = signNotice(notice, body, other.trust, await other.identity('instance'));
    expect(() => openNotice(foreign, { ...notice, body }, own.trust, T0)).toThrow();
    const operator = signNotice(notice, body, own.trust, await own.identity('operator'));
    expect(() => openNotice(operator, { ...notice, body }, own.trust, T0)).toThrow();
  });

  it('is refused in the name of another instance, whoever publishes it', async () => {
    const { trust, identity } = await testFleet();
    const bytes = signNotice(notice, body, trust, await identity('instance', 'llm-1'));
    expect(() => openNotice(bytes, { ...notice, body }, trust, T0)).toThrow('in the name of asr-1, and signed by llm-1');
  });

  it('is never valid as a message of another kind', async () => {
    const { trust, identity } = await testFleet();
    const alarm = signAlarm(
      {
        service: 'asr',
        instance: 'asr-1',
        store: 's',
        artifact: '',
        digest: null,
        code: 'X',
        message: '',
        lockDigest: null,
        raisedUnixMs: 0,
      },
      trust,
      await identity('instance'),
    );
    expect(() => openNotice(alarm, { ...notice, body }, trust, T0)).toThrow(/is a application/);
  });
});
