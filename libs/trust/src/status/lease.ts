import { CLOCK_DRIFT } from './limits.ts';
import { elapsedMs, type Moment } from './moment.ts';
import type { LockStatus } from './status.ts';

/** What a guard knows of the leader's clock, from the answer to a nonce. */
export interface LeaderLine {
  readonly epoch: number;
  readonly keyId: string;
  /** The leader's time when it signed the answer. */
  readonly leaderMs: number;
  /** The guard's clocks when it sent the question: the leader signed no earlier than this. */
  readonly askedAt: Moment;
  /** When the last answer came, however loose. */
  readonly refreshedAt: Moment;
}

/** The latest that the leader's clock can show at this moment, if no clock drifts more than agreed. */
export function leaderBoundMs(line: LeaderLine, now: Moment): number {
  return line.leaderMs + elapsedMs(line.askedAt, now) * (1 + CLOCK_DRIFT);
}

/** Of two answers of one epoch the one that bounds the leader's clock more tightly. Both are true. */
export function tighter(held: LeaderLine | null, next: LeaderLine, now: Moment): LeaderLine {
  if (held === null || held.epoch !== next.epoch || held.keyId !== next.keyId) return next;
  const best = leaderBoundMs(held, now) <= leaderBoundMs(next, now) ? held : next;
  return { ...best, refreshedAt: next.refreshedAt };
}

/**
 * Whether a permissive status may be believed now: signed on a time line that the guard has bounded, not after that bound, and not
 * past its end by it. Never measured from the receipt: a bus that delays a stream would renew it for ever.
 */
export function isFresh(status: LockStatus, keyId: string, line: LeaderLine | null, now: Moment): boolean {
  if (line === null || line.epoch !== status.epoch || line.keyId !== keyId) return false;
  const bound = leaderBoundMs(line, now);
  return status.issuedLeaderMs <= bound && bound < status.expiresLeaderMs;
}
