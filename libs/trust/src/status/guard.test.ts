import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asVerified } from '../verified.ts';
import { applyNonceReply, applyStatus, beginNonce, type GuardState, latchAlarm, needsNonce, newGuard } from './guard.ts';
import { modeAt } from './mode.ts';
import type { SignedOrder } from './operator.ts';
import { compareOrder } from './order.ts';
import type { LockStatus } from './status.ts';
import { at, proven, reply } from './testfleet.ts';

const fresh = newGuard({ store: 'store-1', keyId: 'own-key' });
const failure = (id: string, part: Partial<LockStatus['failures'][number]> = {}) =>
  ({
    id,
    effect: 'safe',
    operator: false,
    store: 'store-2',
    artifact: 'weights',
    digest: null,
    code: 'DIGEST_MISMATCH',
    message: 'differs',
    ...part,
  }) as const;
const F1 = 'f1'.repeat(32);

/** A guard that has asked at `ms` and been answered at once that the leader's clock shows `leaderMs`. */
function asked(
  state: GuardState,
  ms: number,
  leaderMs: number,
  part: Parameters<typeof proven>[0] | null = null,
  epoch = 1,
): GuardState {
  const nonce = `n${ms}`;
  const status = part === null ? null : proven({ epoch, ...part });
  return applyNonceReply(beginNonce(state, nonce, at(ms)), reply({ nonce, leaderMs, epoch, status }), at(ms)).state;
}

/** A guard in normal mode under a status that expires at leader time 5,000; both clocks start at 0. */
const normal = asked(fresh, 0, 0, {});

describe('a guard that has seen nothing', () => {
  it('permits nothing, and asks', () => {
    expect(modeAt(fresh, at(0)).mode).toBe('starting');
    expect(needsNonce(fresh, at(0))).toBe(true);
  });

  it('does not serve by a retained normal before the leader has answered its nonce', () => {
    const offered = applyStatus(fresh, proven(), at(0));
    expect(offered.kind).toBe('wants-nonce');
    expect(modeAt(offered.state, at(0)).mode).toBe('starting');
    expect(modeAt(asked(offered.state, 1, 1), at(1)).mode).toBe('normal');
  });

  it('applies a retained safe at once, and does not fall back behind it', () => {
    const safe = applyStatus(fresh, proven({ mode: 'safe', revision: 2 }), at(0));
    expect(modeAt(safe.state, at(0)).mode).toBe('safe');
    expect(modeAt(asked(safe.state, 1, 1, { revision: 1 }), at(1)).mode).toBe('safe');
  });
});

describe('a guard in normal mode', () => {
  it('serves until the latest that the leader clock can show reaches the end of the status, and not longer', () => {
    expect(modeAt(normal, at(4_990)).mode).toBe('normal');
    expect(modeAt(normal, at(5_000))).toMatchObject({ mode: 'safe', local: true });
    expect(modeAt(normal, at(5_000)).reasons[0]).toContain('LEASE_LOST');
  });

  it('counts a suspend by the wall clock, and ignores a wall clock that steps back', () => {
    expect(modeAt(normal, { monotonicMs: at(10).monotonicMs, wallMs: at(6_000).wallMs }).mode).toBe('safe');
    expect(modeAt(normal, { monotonicMs: at(4_000).monotonicMs, wallMs: at(-9_000).wallMs }).mode).toBe('normal');
    expect(modeAt(normal, { monotonicMs: at(5_001).monotonicMs, wallMs: at(-9_000).wallMs }).mode).toBe('safe');
  });

  it('lives on renewals, without another nonce', () => {
    const renewed = applyStatus(normal, proven({ beat: 1, issuedLeaderMs: 4_000, expiresLeaderMs: 9_000 }), at(4_000));
    expect(renewed).toMatchObject({ kind: 'applied', changed: false });
    expect(modeAt(renewed.state, at(8_900)).mode).toBe('normal');
  });

  it('is not kept alive by a bus that delays its statuses', () => {
    const late = applyStatus(normal, proven({ beat: 1, issuedLeaderMs: 1_000, expiresLeaderMs: 6_000 }), at(600_000));
    expect(late.kind).toBe('wants-nonce');
    expect(modeAt(late.state, at(600_000)).mode).toBe('safe');
  });

  it('asks first when a status is issued later than the leader clock can show', () => {
    expect(applyStatus(normal, proven({ beat: 1, issuedLeaderMs: 60_000, expiresLeaderMs: 65_000 }), at(1_000)).kind).toBe(
      'wants-nonce',
    );
  });

  it('applies safe and halted however late they come, and acks them as a change', () => {
    const safe = applyStatus(normal, proven({ mode: 'safe', revision: 2, issuedLeaderMs: 0, expiresLeaderMs: 0 }), at(999_999));
    expect(safe).toMatchObject({ kind: 'applied', changed: true });
    expect(modeAt(safe.state, at(999_999))).toMatchObject({ mode: 'safe', local: false });
  });

  it('ignores every replay of what it has applied', () => {
    const safe = applyStatus(normal, proven({ mode: 'safe', revision: 2 }), at(1)).state;
    expect(applyStatus(safe, proven(), at(2)).kind).toBe('ignored');
    expect(applyStatus(safe, proven({ mode: 'safe', revision: 2 }), at(2)).kind).toBe('ignored');
  });

  it('answers a deposed leader with the status that outranks it', () => {
    const next = asked(normal, 10, 0, { epoch: 2 }, 2);
    const outcome = applyStatus(next, proven({ epoch: 1, revision: 9 }), at(11));
    expect(outcome).toMatchObject({ kind: 'stale-epoch', held: next.applied?.envelope });
    expect(modeAt(outcome.state, at(11)).mode).toBe('normal');
  });

  it('refuses an epoch that jumps further than any election could', () => {
    expect(applyStatus(normal, proven({ epoch: 2 ** 40, mode: 'safe' }), at(1)).kind).toBe('ignored');
  });

  it('does not believe the time of an epoch for another one', () => {
    const offered = applyStatus(normal, proven({ epoch: 2 }), at(10));
    expect(offered.kind).toBe('wants-nonce');
    expect(needsNonce(offered.state, at(600))).toBe(true);
  });

  it('asks when it has heard nothing for two renewals, and every half minute', () => {
    expect(needsNonce(normal, at(1_500))).toBe(false);
    expect(needsNonce(normal, at(2_000))).toBe(true);
  });
});

describe('a leader that contradicts itself', () => {
  it('is answered with local safe and both messages as proof: equal order, other bytes', () => {
    const outcome = applyStatus(normal, proven({ reasons: ['other'] }), at(1));
    expect(outcome.kind).toBe('conflict');
    expect(outcome.kind === 'conflict' && outcome.proof).toHaveLength(2);
    expect(modeAt(outcome.state, at(1))).toMatchObject({ mode: 'safe', local: true });
  });

  it('is answered so where two keys sign in one epoch', () => {
    expect(applyStatus(normal, proven({ beat: 5 }, { keyId: 'thief' }), at(1)).kind).toBe('conflict');
  });

  it('permits nothing any more in that epoch', () => {
    const split = applyStatus(normal, proven({ reasons: ['other'] }), at(1)).state;
    expect(modeAt(applyStatus(split, proven({ revision: 3 }), at(2)).state, at(2)).mode).toBe('safe');
    expect(modeAt(asked(split, 3, 0, { epoch: 2 }, 2), at(3)).mode).toBe('normal');
  });
});

describe('a guard that knows of a failure', () => {
  const alarmed = latchAlarm(normal, F1, Buffer.from('alarm'));
  const next = { revision: 2, issuedLeaderMs: 1, expiresLeaderMs: 5_001 };

  it('is safe by its own alarm at once, before anybody has heard it', () => {
    expect(modeAt(alarmed, at(1))).toMatchObject({ mode: 'safe', local: true });
  });

  it('refuses a normal that does not name its alarm, and hands out the witness', () => {
    const outcome = applyStatus(alarmed, proven(next), at(2));
    expect(outcome).toMatchObject({ kind: 'unresolved', witness: [Buffer.from('alarm')] });
    expect(modeAt(outcome.state, at(2)).mode).toBe('safe');
    expect(modeAt(applyStatus(alarmed, proven({ ...next, resolved: [F1] }), at(2)).state, at(2)).mode).toBe('normal');
  });

  it('refuses a normal of a new leader that does not know a failure which the old one broadcast', () => {
    const safe = applyStatus(normal, proven({ mode: 'safe', revision: 2, failures: [failure(F1)] }), at(1)).state;
    const successor = { epoch: 2, revision: 1 };
    const ignorant = asked(safe, 2, 0, successor, 2);
    expect(modeAt(ignorant, at(3)).mode).toBe('safe');
    expect(modeAt(asked(safe, 2, 0, { ...successor, resolved: [F1] }, 2), at(3)).mode).toBe('normal');
  });

  it('leaves halted only with a release that an operator has signed for this very failure', () => {
    const halted = applyStatus(
      normal,
      proven({ mode: 'halted', revision: 2, failures: [failure(F1, { effect: 'halted' })] }),
      at(1),
    ).state;
    const release = (id: string) =>
      asVerified({
        id: 'r',
        operator: 'op',
        envelope: Buffer.of(),
        order: {
          action: 'release',
          failures: [id],
          lockDigest: 'l',
          lockSequence: 1,
          fleet: 'fleet-a',
          generation: 1,
          reason: '',
          notAfterUnixMs: 0,
          nonce: '',
        },
      } satisfies SignedOrder);
    const back = { revision: 3, issuedLeaderMs: 1, expiresLeaderMs: 5_001, resolved: [F1] };
    expect(applyStatus(halted, proven(back), at(2)).kind).toBe('unresolved');
    expect(applyStatus(halted, proven(back, { releases: [release('00'.repeat(32))] }), at(2)).kind).toBe('unresolved');
    expect(applyStatus(halted, proven(back, { releases: [release(F1)] }), at(2)).kind).toBe('applied');
  });

  it('stays out of service while its key or its store is quarantined', () => {
    for (const name of ['own-key', 'store-1']) {
      expect(modeAt(asked(fresh, 0, 0, { quarantined: [name] }), at(1))).toMatchObject({ mode: 'safe', local: true });
    }
  });
});

describe('whatever the bus delivers', () => {
  const anyStatus = fc
    .record({
      epoch: fc.integer({ min: 1, max: 3 }),
      revision: fc.integer({ min: 0, max: 3 }),
      beat: fc.integer({ min: 0, max: 2 }),
      mode: fc.constantFrom('normal' as const, 'safe' as const, 'halted' as const),
      issuedLeaderMs: fc.integer({ min: 0, max: 20_000 }),
    })
    .map((part) => proven({ ...part, expiresLeaderMs: part.issuedLeaderMs + 5_000 }, { keyId: `leader-${part.epoch}` }));
  const step = fc.record({ status: anyStatus, afterMs: fc.integer({ min: 0, max: 3_000 }), answer: fc.boolean() });

  it('rises strictly in order, and serves only by a status that was fresh in the leader time', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let state = fresh;
        let now = 0;
        for (const { status, afterMs, answer } of steps) {
          now += afterMs;
          const before = state.applied;
          const nonce = `n${now}`;
          // The leader's clock shows the true time here.
          const outcome = answer
            ? applyNonceReply(
                beginNonce(state, nonce, at(now)),
                reply({ nonce, leaderMs: now, epoch: status.status.epoch, keyId: status.keyId, status }),
                at(now),
              )
            : applyStatus(state, status, at(now));
          state = outcome.state;
          const { applied } = state;
          if (applied !== before && applied !== null && before !== null)
            expect(compareOrder(applied.status, before.status)).toBeGreaterThan(0);
          if (modeAt(state, at(now)).mode === 'normal') {
            expect(applied?.status.mode).toBe('normal');
            expect(now).toBeLessThan(applied?.status.expiresLeaderMs ?? 0);
            expect(applied?.status.issuedLeaderMs).toBeLessThanOrEqual(now + 1);
          }
        }
      }),
    );
  });
});
