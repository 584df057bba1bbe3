import type { ReignTimes } from './reign.ts';

/** Who this verifier is. */
export interface NodeSelf {
  readonly fleet: string;
  readonly generation: number;
  readonly instance: string;
  readonly keyId: string;
  /** Random, of this start of the process. */
  readonly boot: string;
  readonly store: string;
}

export interface NodeTimes extends ReignTimes {
  readonly beatMs: number;
  readonly renewalMs: number;
  /** How often a store whose failures stand is verified again, although nothing has moved. */
  readonly unsafeEveryMs: number;
}

/** What has not come back from the log after this is tried again. */
export const RETRY_MS = 1_000;

/**
 * An own entry that has not come back from the log after this is written again: a queue that was full has dropped it, and whoever waited
 * for it for ever would never look at its store again, or never let the fleet go.
 */
export const LOST_AFTER_MS = 5_000;
