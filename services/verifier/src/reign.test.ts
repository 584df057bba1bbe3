import { describe, expect, it } from 'vitest';
import { expiresMs, leaderMs, seeBeat, sendBeat, startReign, whyStandDown } from './reign.ts';

const at = (ms: number, partedMs = 0) => ({ monotonicMs: 1_000 + ms, wallMs: 5_000 + ms + partedMs });
const times = { leadMs: 2_000, ttlMs: 5_000 };
const reign = startReign(3, at(0));

describe('a reign', () => {
  it('counts its time from the moment at which its campaign was sent', () => {
    expect(leaderMs(reign, at(700))).toBe(700);
  });

  it('lets its word live for the status lease after the last beat that it has seen back, counted from its sending', () => {
    const beaten = sendBeat(reign, 1, at(500));
    expect(expiresMs(beaten, times)).toBe(5_000);
    expect(expiresMs(seeBeat(beaten, 1), times)).toBe(5_500);
  });

  it('is not extended by a beat that it never sent, nor by an older one that comes late', () => {
    const beaten = sendBeat(sendBeat(reign, 1, at(500)), 2, at(1_000));
    const seen = seeBeat(beaten, 2);
    expect(expiresMs(seeBeat(seen, 1), times)).toBe(6_000);
    expect(expiresMs(seeBeat(seen, 99), times)).toBe(6_000);
  });
});

describe('a leader stands down', () => {
  it('without a beat of its own seen for the leader’s lease: a deposed one in a minority cannot renew for ever', () => {
    const sending = sendBeat(reign, 1, at(1_900));
    expect(whyStandDown(sending, times, at(1_999))).toBeNull();
    expect(whyStandDown(sending, times, at(2_000))).toContain('no beat');
    expect(whyStandDown(seeBeat(sending, 1), times, at(2_000))).toBeNull();
  });

  it('when its clocks have parted: a suspend, or a step of the wall clock either way', () => {
    expect(whyStandDown(reign, times, at(10, 400))).toBeNull();
    for (const partedMs of [501, -501]) expect(whyStandDown(reign, times, at(10, partedMs))).toContain('clocks');
  });
});
