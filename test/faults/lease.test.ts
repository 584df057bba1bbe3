import type { LockStatus } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import { answersWithoutLease } from './lease.ts';

const TIMES = { leaseMs: 5_000, slackMs: 1_000 };
const heard = (atMs: number, mode: LockStatus['mode']) => ({ atMs, status: { mode } as LockStatus });
const answered = (answeredMs: number) => ({ atMs: answeredMs - 10, answeredMs, code: 'answered' });
const refused = { atMs: 50_000, answeredMs: null, code: 'safe-mode' };

describe('the judge of a run', () => {
  it('finds nothing where every answer lies within a lease of a permissive status, and refusals where they like', () => {
    expect(answersWithoutLease([answered(1_500), answered(6_900), refused], [heard(1_000, 'normal')], TIMES)).toEqual([]);
  });

  it('finds an answer before any status, and one that outlives the last lease', () => {
    const early = answered(500);
    const late = answered(7_100);
    expect(answersWithoutLease([early, late], [heard(1_000, 'normal')], { ...TIMES, slackMs: 100 })).toEqual([early, late]);
  });

  it('finds an answer under a restrictive status, and lets one pass that was on its way', () => {
    const statuses = [heard(1_000, 'normal'), heard(2_000, 'safe'), heard(9_000, 'normal')];
    const under = answered(4_000);
    expect(answersWithoutLease([answered(2_500), under, answered(9_100)], statuses, TIMES)).toEqual([under]);
  });
});
