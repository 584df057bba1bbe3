import type { Leader } from './election.ts';
import type { Ledgered } from './failurerecord.ts';

/** The rules that a log is folded by; they stand in its first entry, so that all verifiers fold alike. */
export interface ControlRules {
  readonly leadMs: number;
  readonly dwellMs: number;
}

/** A lock that a leader has released for serving. */
export interface AdoptedLock {
  readonly digest: string;
  readonly sequence: number;
  /** What a report of bytes that differ from it does to the fleet: the policy `safe_mode_on_mismatch`. */
  readonly mismatch: 'safe' | 'tolerated';
}

/** A full verification that ended, and found nothing that stands in the way of serving. */
export interface PassedVerification {
  readonly begin: number;
  readonly end: number;
  readonly store: string;
  readonly lockDigest: string;
  readonly lockSequence: number;
}

/** All that follows from the control log up to one position. A value; the same log gives the same state everywhere. */
export interface ControlState extends Ledgered {
  readonly incarnation: string | null;
  readonly rules: ControlRules;
  /** Position of the last message. */
  readonly position: number;
  /** Position of the last message that the chain head covers: the lasting ones, so that every reader finds the same chain. */
  readonly chained: number;
  readonly head: string;
  /**
   * The log's time: the steps forward of its stream's timestamps, added up from its first message. A server clock that is set ahead and
   * back again so costs an election, and does not stop the log's time until the real one has caught up.
   */
  readonly logMs: number;
  /** The stream's timestamp of the last message, as it stands. */
  readonly stampMs: number;
  readonly epoch: number;
  readonly leader: Leader | null;
  /** Last counter of each (key, boot). */
  readonly counters: ReadonlyMap<string, number>;
  readonly begun: ReadonlyMap<string, { readonly position: number; readonly store: string }>;
  /** Store -> the log's time up to which its verifier is known to be at work. */
  readonly storesHeard: ReadonlyMap<string, number>;
  readonly passed: PassedVerification | null;
  readonly adopted: AdoptedLock | null;
  /** Position of the release that permits serving; null when it is not permitted. */
  readonly releasedAt: number | null;
}

/** Before the first `open`: what a stranger's log would have to be folded by. */
const NO_RULES: ControlRules = { leadMs: 2_000, dwellMs: 5_000 };

/** Boots and verifications that the fold remembers; older ones belong to processes long gone. */
const REMEMBERED_MAX = 1_024;

/** The log before its first entry. */
export function emptyControl(): ControlState {
  return {
    incarnation: null,
    rules: NO_RULES,
    position: 0,
    chained: 0,
    head: '0'.repeat(64),
    logMs: 0,
    stampMs: 0,
    epoch: 0,
    leader: null,
    counters: new Map(),
    begun: new Map(),
    storesHeard: new Map(),
    passed: null,
    adopted: null,
    releasedAt: null,
    failures: new Map(),
    quarantined: new Map(),
    verifierStores: new Set(),
    history: new Map(),
    refuted: new Map(),
    deposedKeys: new Set(),
    usedOrders: new Set(),
    releases: [],
    dwellUntilMs: 0,
    lastFailure: 0,
  };
}

/** The map with this one as its newest; the oldest are forgotten. */
export function remember<V>(map: ReadonlyMap<string, V>, key: string, value: V): ReadonlyMap<string, V> {
  const next = new Map(map.size > REMEMBERED_MAX ? [...map].slice(-REMEMBERED_MAX) : map);
  next.delete(key);
  return next.set(key, value);
}
