import type { FailureFact } from './failure.ts';
import { RESOLVED_NAMED_MAX } from './limits.ts';

/** A failure at its place in the log. */
export interface FailureRecord {
  readonly fact: FailureFact;
  readonly position: number;
  /** The log's time there. */
  readonly atMs: number;
  /** Key id of an instance that reported it of its own disk; null for a verifier's own finding or an order. */
  readonly author: string | null;
  /** By a clean verification of its store, or by that store's quarantine. */
  readonly closed: boolean;
  /** By an operator, by name. */
  readonly released: boolean;
  /** Place of its closing or of the last time somebody asked for it; orders the list of resolved failures. */
  readonly mentioned: number;
}

/** The part of the fold that deals with failures. */
export interface Ledgered {
  readonly position: number;
  readonly logMs: number;
  readonly stampMs: number;
  readonly rules: { readonly dwellMs: number };
  readonly adopted: { readonly digest: string; readonly sequence: number; readonly mismatch: 'safe' | 'tolerated' } | null;
  readonly passed: { readonly lockDigest: string; readonly lockSequence: number } | null;
  readonly failures: ReadonlyMap<string, FailureRecord>;
  /** Store or key id -> position since when it may not serve. */
  readonly quarantined: ReadonlyMap<string, number>;
  /** Stores that verifiers vouch for themselves. */
  readonly verifierStores: ReadonlySet<string>;
  /** Subject -> log times of its failures. */
  readonly history: ReadonlyMap<string, readonly number[]>;
  /** Key id of an instance -> log times of its alarms that turned out empty. */
  readonly refuted: ReadonlyMap<string, readonly number[]>;
  /** Status keys that have contradicted themselves. They never lead again. */
  readonly deposedKeys: ReadonlySet<string>;
  readonly usedOrders: ReadonlySet<string>;
  /** The operators' releases, the latest last. */
  readonly releases: readonly { readonly failures: readonly string[]; readonly envelope: Uint8Array }[];
  readonly dwellUntilMs: number;
  /** Position of the last failure that forbids serving. */
  readonly lastFailure: number;
}

export type Folded = Omit<Ledgered, 'position' | 'logMs' | 'stampMs' | 'rules' | 'adopted' | 'passed'>;

const HOUR_MS = 60 * 60 * 1_000;
/** The rest after a failure doubles with each of the same subject within an hour, up to this. */
const DWELL_MAX_MS = 10 * 60 * 1_000;
/** After this many failures of one subject within an hour an operator decides. */
const FAILURES_AN_HOUR_MAX = 3;
/** Failures remembered, closed ones included. */
export const RECORDS_MAX = 4_096;

/** A store of an order: no disk is at fault. */
export const OPERATOR_STORE = 'operator';

/** Open: not closed, or waiting for an operator who has not spoken. */
export function isOpen({ fact, closed, released }: FailureRecord): boolean {
  return !closed || (needsOperator(fact) && !released);
}

export function needsOperator(fact: FailureFact): boolean {
  return fact.operator || fact.effect === 'halted';
}

/** A new failure at this place of the log. The more often its subject fails, the longer the rest; in the end an operator decides. */
export function openFailure(state: Ledgered, asked: FailureFact, author: string | null): Folded {
  const times = occurrences(state, asked);
  const fact = asked.effect !== 'tolerated' && times.length > FAILURES_AN_HOUR_MAX ? { ...asked, operator: true } : asked;
  const failures = new Map(bounded(state.failures));
  failures.set(fact.id, {
    fact,
    position: state.position,
    atMs: state.logMs,
    author,
    closed: false,
    released: false,
    mentioned: state.position,
  });
  if (fact.effect === 'tolerated') return { ...state, failures };
  const rest = fact.store === OPERATOR_STORE ? 0 : Math.min(state.rules.dwellMs * 2 ** (times.length - 1), DWELL_MAX_MS);
  const history = new Map([...state.history].slice(-RECORDS_MAX)).set(subjectOf(fact), times);
  return {
    ...state,
    failures,
    history,
    dwellUntilMs: Math.max(state.dwellUntilMs, state.logMs + rest),
    lastFailure: state.position,
  };
}

/** Log times at which the subject has failed within the hour, this one included. All who report one trouble make one failure of it. */
function occurrences(state: Ledgered, fact: FailureFact): readonly number[] {
  const times = recent(state.history.get(subjectOf(fact)), state.logMs, HOUR_MS);
  const known = [...state.failures.values()].some(
    (record) => !record.closed && record.fact.effect !== 'tolerated' && subjectOf(record.fact) === subjectOf(fact),
  );
  return known && times.length > 0 ? times : [...times, state.logMs];
}

function subjectOf({ store, artifact }: FailureFact): string {
  return `${store}/${artifact}`;
}

/** Closes those that are over. */
export function settle(folded: Folded, position: number, over: (record: FailureRecord) => boolean): Folded {
  const failures = new Map(
    [...folded.failures].map(([id, record]) => [id, over(record) ? { ...record, closed: true, mentioned: position } : record]),
  );
  return { ...folded, failures };
}

/**
 * Somebody waits for these: name them again among the resolved. Those that stand there anyway keep their place, or a replay of two old
 * messages in turn would make a new decision of each, to be signed, sent and acked by the whole fleet.
 */
export function mention(state: Ledgered, ids: readonly string[]): Folded {
  const named = new Set(ids.filter((id) => falls(state, id)));
  if (named.size === 0) return state;
  const failures = new Map(
    [...state.failures].map(([id, record]) => [id, named.has(id) ? { ...record, mentioned: state.position } : record]),
  );
  return { ...state, failures };
}

/** Whether a closed failure has dropped into the older half of those that a status names, or out of it. */
function falls({ failures }: Ledgered, id: string): boolean {
  const record = failures.get(id);
  if (record === undefined) return false;
  let newer = 0;
  for (const other of failures.values()) if (!isOpen(other) && other.mentioned > record.mentioned) newer += 1;
  return newer >= RESOLVED_NAMED_MAX / 2;
}

/** Authors of such failures may serve again. */
export function readmit(state: Ledgered, over: (record: FailureRecord) => boolean): ReadonlyMap<string, number> {
  const quarantined = new Map(state.quarantined);
  for (const record of state.failures.values()) {
    if (!over(record)) continue;
    if (record.author !== null) quarantined.delete(record.author);
    quarantined.delete(record.fact.store);
  }
  return quarantined;
}

/** Of these log times, those of the last while. */
export function recent(times: readonly number[] | undefined, nowMs: number, spanMs: number): readonly number[] {
  return (times ?? []).filter((time) => nowMs - time < spanMs);
}

/** The newest records; open ones are never forgotten. */
function bounded(failures: ReadonlyMap<string, FailureRecord>): Iterable<readonly [string, FailureRecord]> {
  if (failures.size < RECORDS_MAX) return failures;
  const closed = [...failures].filter(([, record]) => !isOpen(record)).slice(-RECORDS_MAX / 2);
  return [...failures].filter(([, record]) => isOpen(record)).concat(closed);
}
