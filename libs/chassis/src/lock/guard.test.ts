import { openAck, openAlarm, type LockStatus, parseNonceRequest, roleTrust, signNonceReply, signStatus } from '@smartlite/trust';
import { manualClock, memoryTrail, seededIds, testDomain, type TestDomain } from '@smartlite/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMetrics } from '../telemetry/metrics.ts';
import { LockGuard } from './guard.ts';
import type { LockLink } from './link.ts';

/** What is waited for comes at once on an idle machine; a busy one gets time. */
const PATIENCE = { timeout: 30_000 };

const silent = () => {};
const LEASE_MS = 5_000;
let domain: TestDomain;
beforeAll(async () => {
  domain = await testDomain();
});
afterAll(() => domain[Symbol.dispose]());

/** One guard and one leader on a clock turned by hand; the leader's time is the clock's. */
async function stage() {
  const clock = manualClock(Date.now());
  const trust = roleTrust(domain.keys.trust);
  const [verifier, instance] = [await domain.identity('lock-status', 'verifier-1'), await domain.identity('instance', 'llm-1')];
  const sent = { acks: [] as string[], alarms: [] as Uint8Array[], asked: 0 };
  let leads = true;
  let latest: Uint8Array | undefined;
  const status = (change: Partial<LockStatus> = {}): Uint8Array => {
    const leaderMs = Math.floor(clock.monotonicMs());
    return signStatus(
      {
        fleet: trust.fleet,
        generation: trust.generation,
        epoch: 1,
        revision: 1,
        beat: 1,
        leader: 'verifier-1',
        mode: 'normal',
        lockDigest: domain.lockDigest(),
        lockSequence: 1,
        artifacts: [],
        substitutions: {},
        refusedArtifacts: [],
        reasons: [],
        failures: [],
        resolved: [],
        quarantined: [],
        releases: [],
        control: null,
        issuedLeaderMs: leaderMs,
        expiresLeaderMs: leaderMs + LEASE_MS,
        ...change,
      },
      verifier,
    );
  };
  const link: LockLink = {
    onStatus: () => silent,
    lastStatus: async () => undefined,
    async askNonce(request) {
      sent.asked += 1;
      if (!leads) throw new Error('no responders');
      const { fleet, generation } = trust;
      return signNonceReply(
        {
          fleet,
          generation,
          nonce: parseNonceRequest(request),
          epoch: 1,
          leaderMs: Math.floor(clock.monotonicMs()),
          status: latest ?? null,
        },
        verifier,
      );
    },
    raise: async (alarm) => void sent.alarms.push(alarm),
    acknowledge: (bytes) => {
      const { ack } = openAck(bytes, trust, clock.nowMs());
      sent.acks.push(`${ack.mode} ${ack.epoch}.${ack.revision}.${ack.beat}`);
    },
  };
  const trail = memoryTrail();
  const guard = new LockGuard({
    service: 'llm',
    instance: 'llm-1',
    region: 'local',
    clock,
    ids: seededIds(),
    trail,
    trust,
    identity: () => instance,
    store: 'store-1',
    link,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    metrics: createMetrics('llm', { process: false }),
  });
  return {
    guard,
    clock,
    sent,
    trail,
    trust,
    status,
    hear: (change: Partial<LockStatus> = {}) => guard.hear(status(change)),
    /** The leader has this to say from now on, and the guard asks it. */
    lead: async (change: Partial<LockStatus> = {}) => {
      latest = status(change);
      guard.poll();
      await expect.poll(() => guard.current().mode, PATIENCE).toBe(change.mode ?? 'normal');
    },
    fall: () => (leads = false),
  };
}

describe('a guard that has heard nothing', () => {
  it('is starting', async () => {
    const { guard } = await stage();
    expect(guard.current()).toMatchObject({ mode: 'starting', order: '', epoch: 0 });
  });

  it('does not believe a permissive status before the leader has answered its own question', async () => {
    const { guard, hear, sent } = await stage();
    hear();
    expect(guard.current().mode).toBe('starting');
    expect(sent.asked).toBe(1);
  });

  it('believes a restrictive one at once', async () => {
    const { guard, hear } = await stage();
    hear({ mode: 'safe', reasons: ["an operator's order"] });
    expect(guard.current()).toMatchObject({ mode: 'safe', local: false, reasons: ["an operator's order"] });
  });
});

describe('a guard in normal mode', () => {
  it('has told its listeners, its trail and the verifier', async () => {
    const { guard, lead, sent, trail } = await stage();
    const told: string[] = [];
    guard.onChange(({ mode }) => told.push(mode));
    await lead();
    expect(told).toEqual(['normal']);
    expect(sent.acks.at(-1)).toBe('normal 1.1.1');
    expect(trail.entries.map(({ kind, facts }) => [kind, facts['to']])).toEqual([['mode.changed', 'normal']]);
  });

  it('acks each change at once, and each tenth second besides; a renewal is no change', async () => {
    const { guard, hear, lead, clock, sent } = await stage();
    await lead();
    const before = sent.acks.length;
    for (let beat = 2; beat < 12; beat += 1) {
      clock.advance(1_000);
      hear({ beat });
      guard.poll();
    }
    expect(sent.acks.slice(before)).toEqual(['normal 1.1.11']);
    hear({ mode: 'safe', revision: 2 });
    expect(sent.acks.at(-1)).toBe('safe 1.2.1');
  });

  it('loses it to its own clock, before any timer, and gains it back with the next valid status', async () => {
    const { guard, hear, lead, clock, fall } = await stage();
    await lead();
    fall();
    clock.advance(LEASE_MS);
    expect(guard.current()).toMatchObject({ mode: 'safe', local: true, reasons: [expect.stringMatching(/^LEASE_LOST/)] });
    hear({ beat: 9 });
    expect(guard.current().mode).toBe('normal');
  });

  it('is not prolonged by setting the wall clock back', async () => {
    const { guard, lead, clock } = await stage();
    await lead();
    clock.stepWall(-3_600_000);
    clock.advance(LEASE_MS);
    expect(guard.current().mode).toBe('safe');
  });

  it('is lost on waking from a suspend, in which only the wall clock ran', async () => {
    const { guard, lead, clock } = await stage();
    await lead();
    clock.stepWall(LEASE_MS);
    expect(guard.current().mode).toBe('safe');
  });

  it('is not moved by an older status', async () => {
    const { guard, hear, lead } = await stage();
    await lead({ revision: 5 });
    hear({ mode: 'halted', revision: 4 });
    expect(guard.current().mode).toBe('normal');
  });

  it('is not moved by what is not signed by a verifier', async () => {
    const { guard, lead, status } = await stage();
    await lead();
    const forged = Buffer.from(status({ mode: 'halted', revision: 9 }))
      .toString()
      .replace(/"sig":"../, '"sig":"AA');
    guard.hear(Buffer.from(forged));
    guard.hear(Buffer.from('{}'));
    guard.hear(new Uint8Array());
    expect(guard.current().mode).toBe('normal');
  });
});

describe('a leader that contradicts itself', () => {
  it('permits nothing here any more, and is reported with both statuses as the proof', async () => {
    const { guard, hear, lead, sent, trust, clock } = await stage();
    await lead();
    hear({ lockSequence: 2 });
    expect(guard.current()).toMatchObject({ mode: 'safe', local: true });
    expect(openAlarm(sent.alarms[0] as Uint8Array, trust, clock.nowMs()).alarm).toMatchObject({
      code: 'EQUIVOCATION',
      proof: [expect.any(String), expect.any(String)],
    });
  });
});

describe('wrong bytes on this host', () => {
  const alarm = () => ({
    artifact: 'mind-script',
    code: 'DIGEST_MISMATCH',
    message: 'does not match the lock',
    lockDigest: domain.lockDigest(),
  });

  it('stop this instance at once, and are told to the verifier, signed', async () => {
    const { guard, lead, sent, trust, clock, trail } = await stage();
    await lead();
    guard.alarm(alarm());
    expect(guard.current()).toMatchObject({ mode: 'safe', local: true });
    expect(openAlarm(sent.alarms[0] as Uint8Array, trust, clock.nowMs()).alarm).toMatchObject({
      instance: 'llm-1',
      store: 'store-1',
      artifact: 'mind-script',
    });
    expect(trail.entries.map(({ kind }) => kind)).toContain('alarm.raised');
  });

  it('seen again are one alarm', async () => {
    const { guard, lead, sent } = await stage();
    await lead();
    guard.alarm(alarm());
    guard.alarm(alarm());
    expect(sent.alarms).toHaveLength(1);
  });

  it('keep it stopped until a status names the alarm as resolved', async () => {
    const { guard, hear, lead, sent, trust, clock } = await stage();
    await lead();
    guard.alarm(alarm());
    hear({ revision: 2 });
    expect(guard.current()).toMatchObject({ mode: 'safe', local: true });
    const { id } = openAlarm(sent.alarms[0] as Uint8Array, trust, clock.nowMs());
    hear({ revision: 3, resolved: [id] });
    expect(guard.current().mode).toBe('normal');
  });
});
