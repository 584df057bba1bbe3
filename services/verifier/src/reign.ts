import { CLOCKS_PARTED_MAX_MS, type Moment, partedMs } from '@smartlite/trust';

/** One epoch of this verifier as the leader, with its own time line: its monotonic clock since it sent its campaign. */
export interface Reign {
  readonly epoch: number;
  readonly since: Moment;
  /** Leader time at which it sent the last beat that it has seen back in the log; its campaign counts as the first. */
  readonly coveredMs: number;
  /** Beats that it has sent and not seen back: number -> leader time of sending. */
  readonly sent: ReadonlyMap<number, number>;
}

/** How long a leader may go unseen, and how long its word lives. */
export interface ReignTimes {
  readonly leadMs: number;
  readonly ttlMs: number;
}

/** Beats that may be on their way: more than the lease holds, so that none in time is forgotten. */
const SENT_MAX = 32;

export function startReign(epoch: number, campaignSentAt: Moment): Reign {
  return { epoch, since: campaignSentAt, coveredMs: 0, sent: new Map() };
}

/** The leader's time now. */
export function leaderMs(reign: Reign, now: Moment): number {
  return Math.max(0, now.monotonicMs - reign.since.monotonicMs);
}

export function sendBeat(reign: Reign, number: number, now: Moment): Reign {
  const sent = new Map([...reign.sent].slice(-(SENT_MAX - 1)));
  return { ...reign, sent: sent.set(number, leaderMs(reign, now)) };
}

/** A beat came back in the log: all earlier ones are settled by it. */
export function seeBeat(reign: Reign, number: number): Reign {
  const sentMs = reign.sent.get(number);
  if (sentMs === undefined) return reign;
  return {
    ...reign,
    coveredMs: Math.max(reign.coveredMs, sentMs),
    sent: new Map([...reign.sent].filter(([other]) => other > number)),
  };
}

/** Why this leader must stand down now; null while it may lead. Its clocks may part by a suspend or a step of the wall clock. */
export function whyStandDown(reign: Reign, times: ReignTimes, now: Moment): string | null {
  if (partedMs(reign.since, now) > CLOCKS_PARTED_MAX_MS) return "the leader's clocks have parted";
  if (leaderMs(reign, now) >= reign.coveredMs + times.leadMs) return 'no beat of its own seen in the control log';
  return null;
}

/** The end of a permissive status: never later than the status lease after the last beat that the log is known to hold. */
export function expiresMs(reign: Reign, times: ReignTimes): number {
  return Math.floor(reign.coveredMs + times.ttlMs);
}
