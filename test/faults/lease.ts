import type { LockStatus } from '@smartlite/trust';
import type { Attempt } from './ground.ts';

/** A status as it was heard on the bus. */
export interface Heard {
  readonly atMs: number;
  readonly status: LockStatus;
}

/**
 * Answers that no valid lease covers, judged from outside: by what went over the bus, whatever the service believes. Covered is an
 * answer where a permissive status was heard at most a lease before its last piece, and no restrictive one has stood since for longer
 * than `slackMs`, which is what hearing, cutting and measuring may take on a busy machine.
 */
export function answersWithoutLease(
  attempts: readonly Attempt[],
  heard: readonly Heard[],
  { leaseMs, slackMs }: { readonly leaseMs: number; readonly slackMs: number },
): readonly Attempt[] {
  return attempts.filter(({ answeredMs }) => {
    if (answeredMs === null) return false;
    const settled = heard.findLast(({ atMs }) => atMs <= answeredMs - slackMs);
    const since = heard.filter(({ atMs }) => atMs > answeredMs - slackMs && atMs <= answeredMs + slackMs);
    const permits = [...since, ...(settled ? [settled] : [])].filter(({ status }) => status.mode === 'normal');
    return !permits.some(({ atMs }) => answeredMs - atMs <= leaseMs + slackMs);
  });
}
