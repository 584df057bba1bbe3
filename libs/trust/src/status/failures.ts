import type { SignedAlarm } from './alarm.ts';
import type { ConflictProof } from './entry.ts';
import type { FailureFact } from './failure.ts';
import { RELEASES_CARRIED_MAX } from './limits.ts';
import type { SignedOrder } from './operator.ts';
import type { SignedStatus } from './status.ts';

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

/** An empty alarm costs its author one day of its two; after that, its alarms move nobody until it is readmitted. */
const REFUTED_MAX = 2;
const DAY_MS = 24 * 60 * 60 * 1_000;
const HOUR_MS = 60 * 60 * 1_000;
/** The rest after a failure doubles with each of the same subject within an hour, up to this. */
const DWELL_MAX_MS = 10 * 60 * 1_000;
/** After this many failures of one subject within an hour an operator decides. */
const FAILURES_AN_HOUR_MAX = 3;
/** Failures remembered, closed ones included. */
const RECORDS_MAX = 4_096;

/** A store of an order: no disk is at fault. */
export const OPERATOR_STORE = 'operator';

/** Open: not closed, or waiting for an operator who has not spoken. */
export function isOpen({ fact, closed, released }: FailureRecord): boolean {
  return !closed || (needsOperator(fact) && !released);
}

export function needsOperator(fact: FailureFact): boolean {
  return fact.operator || fact.effect === 'halted';
}

/** A verifier's own finding. */
export function foldFailure(state: Ledgered, fact: FailureFact): Folded {
  if (state.failures.has(fact.id)) return mention(state, [fact.id]);
  return open(state, fact, null);
}

/**
 * An instance's report about its own disk: believed at once, and its author loses its place until the matter is settled. On a store
 * that a verifier shares, that verifier's bytes decide; elsewhere nobody can look, so the author's quarantine closes the failure. The
 * author's key is quarantined, not the store that it names: a rogue could name another host's.
 */
export function foldAlarm(state: Ledgered, { alarm, id, keyId }: SignedAlarm): Folded {
  const known = state.failures.get(id);
  if (known !== undefined) return known.author === null ? adopt(state, known, keyId) : mention(state, [id]);
  const spent = recent(state.refuted.get(keyId), state.logMs, DAY_MS).length >= REFUTED_MAX;
  const obsolete = state.adopted !== null && alarm.lockDigest !== state.adopted.digest;
  const effect = obsolete || spent ? 'tolerated' : (state.adopted?.mismatch ?? 'safe');
  const fact: FailureFact = {
    id,
    effect,
    operator: false,
    store: alarm.store,
    artifact: alarm.artifact,
    digest: alarm.digest,
    code: alarm.code,
    message: alarm.message,
  };
  const opened = open(state, fact, keyId);
  const closed = (folded: Folded) => settle(folded, state.position, (record) => record.fact.id === id);
  if (obsolete) return closed(opened);
  const quarantined = new Map(opened.quarantined).set(keyId, state.position);
  if (spent) return closed({ ...opened, quarantined });
  if (state.verifierStores.has(alarm.store)) return { ...opened, quarantined };
  return closed({ ...opened, quarantined, refuted: count(opened.refuted, keyId, state.logMs) });
}

/**
 * The alarm itself comes after the log has heard of it from others: a leader that relayed the failure, a guard that brought its status
 * as a witness. Its author pays the same price as if it had come first.
 */
function adopt(state: Ledgered, known: FailureRecord, author: string): Folded {
  const record = { ...known, author, mentioned: state.position };
  const adopted = { ...state, failures: new Map(state.failures).set(known.fact.id, record) };
  const refuted = () => ({ ...adopted, refuted: count(state.refuted, author, state.logMs) });
  if (known.fact.effect === 'tolerated') return adopted;
  if (known.closed) return confirmed(state, known) ? adopted : refuted();
  const quarantined = new Map(state.quarantined).set(author, state.position);
  if (state.verifierStores.has(known.fact.store)) return { ...adopted, quarantined };
  return settle({ ...refuted(), quarantined }, state.position, ({ fact }) => fact.id === known.fact.id);
}

/** A leader contradicted itself, and the objects prove it: its keys never lead again, and the fleet is verified anew. */
export function foldConflict(state: Ledgered, { alarm, id }: SignedAlarm, conflict: ConflictProof): Folded {
  if (state.failures.has(id)) return mention(state, [id]);
  const store = `epoch-${conflict.epoch}`;
  const fact: FailureFact = {
    id,
    effect: 'safe',
    operator: false,
    store,
    artifact: '',
    digest: null,
    code: alarm.code,
    message: alarm.message,
  };
  const deposedKeys = new Set([...state.deposedKeys, ...conflict.keyIds]);
  return settle({ ...open(state, fact, null), deposedKeys }, state.position, (record) => record.fact.id === id);
}

/** Failures of a status that somebody has applied: a leader may have died between broadcasting and logging them. */
export function foldWitness(state: Ledgered, { status }: SignedStatus): Folded {
  const known = status.failures.filter(({ id }) => state.failures.has(id)).map(({ id }) => id);
  const news = status.failures.filter(({ id, effect }) => effect !== 'tolerated' && !state.failures.has(id));
  return news.reduce<Folded>((folded, fact) => open({ ...state, ...folded }, fact, null), mention(state, known));
}

/** An operator's order, used once. One that is too late, or names another lock, moves nobody. */
export function foldOrder(state: Ledgered, { order, id, envelope }: SignedOrder): Folded {
  if (state.usedOrders.has(id) || state.stampMs > order.notAfterUnixMs) return state;
  const used = { ...state, usedOrders: new Set([...state.usedOrders].slice(-RECORDS_MAX)).add(id) };
  if (order.action === 'enter') {
    return open(
      used,
      {
        id,
        effect: order.mode,
        operator: true,
        store: OPERATOR_STORE,
        artifact: '',
        digest: null,
        code: 'OPERATOR_ORDER',
        message: order.reason,
      },
      null,
    );
  }
  if (!namesKnownLock(state, order)) return state;
  const named = new Set(order.failures);
  const failures = new Map(
    [...state.failures].map(([key, record]) => [
      key,
      named.has(key)
        ? { ...record, released: true, closed: record.closed || record.fact.store === OPERATOR_STORE, mentioned: state.position }
        : record,
    ]),
  );
  const releases = [...state.releases, { failures: order.failures, envelope }].slice(-RELEASES_CARRIED_MAX);
  return { ...used, failures, releases, quarantined: readmit(state, (record) => named.has(record.fact.id)) };
}

/** A full verification of a store ended: what it did not find again, and what is older than its begin, is over. */
export function foldEnd(
  state: Ledgered,
  end: { readonly store: string; readonly begin: number; readonly standing: ReadonlySet<string> },
): Folded {
  const over = (record: FailureRecord) =>
    !record.closed && record.fact.store === end.store && record.position < end.begin && !end.standing.has(record.fact.id);
  const empty = [...state.failures.values()].filter(
    (record) => over(record) && record.author !== null && !confirmed(state, record),
  );
  const refuted = empty.reduce(
    (counted, { author }) => (author === null ? counted : count(counted, author, state.logMs)),
    state.refuted,
  );
  const quarantined = new Map(readmit(state, over));
  if (end.standing.size === 0 && (quarantined.get(end.store) ?? Number.POSITIVE_INFINITY) < end.begin)
    quarantined.delete(end.store);
  return settle({ ...state, refuted, quarantined }, state.position, over);
}

/** A store that is gone, or not to be waited for: it no longer counts, and may not serve. */
export function foldQuarantine(state: Ledgered, store: string): Folded {
  const quarantined = new Map(state.quarantined).set(store, state.position);
  return settle({ ...state, quarantined }, state.position, (record) => record.fact.store === store);
}

function open(state: Ledgered, asked: FailureFact, author: string | null): Folded {
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

function settle(folded: Folded, position: number, over: (record: FailureRecord) => boolean): Folded {
  const failures = new Map(
    [...folded.failures].map(([id, record]) => [id, over(record) ? { ...record, closed: true, mentioned: position } : record]),
  );
  return { ...folded, failures };
}

/** Somebody waits for these: name them again among the resolved. */
function mention(state: Ledgered, ids: readonly string[]): Folded {
  const named = new Set(ids);
  const failures = new Map(
    [...state.failures].map(([id, record]) => [id, named.has(id) ? { ...record, mentioned: state.position } : record]),
  );
  return { ...state, failures };
}

/** Authors of such failures may serve again. */
function readmit(state: Ledgered, over: (record: FailureRecord) => boolean): ReadonlyMap<string, number> {
  const quarantined = new Map(state.quarantined);
  for (const record of state.failures.values()) {
    if (!over(record)) continue;
    if (record.author !== null) quarantined.delete(record.author);
    quarantined.delete(record.fact.store);
  }
  return quarantined;
}

/** Whether a verifier has seen the same trouble on the same store itself, and it was not over before the alarm. */
function confirmed(state: Ledgered, alarm: FailureRecord): boolean {
  const same = ({ fact, author }: FailureRecord) =>
    author === null && fact.store === alarm.fact.store && fact.artifact === alarm.fact.artifact;
  return [...state.failures.values()].some((record) => same(record) && (!record.closed || record.mentioned > alarm.position));
}

/** One more empty alarm of an author. */
function count(refuted: Ledgered['refuted'], author: string, nowMs: number): Ledgered['refuted'] {
  return new Map(refuted).set(author, [...recent(refuted.get(author), nowMs, DAY_MS), nowMs]);
}

function namesKnownLock(state: Ledgered, order: { readonly lockDigest: string; readonly lockSequence: number }): boolean {
  const known = [
    state.passed === null ? null : { digest: state.passed.lockDigest, sequence: state.passed.lockSequence },
    state.adopted,
  ];
  return known.some((lock) => lock !== null && lock.digest === order.lockDigest && lock.sequence === order.lockSequence);
}

function recent(times: readonly number[] | undefined, nowMs: number, spanMs: number): readonly number[] {
  return (times ?? []).filter((time) => nowMs - time < spanMs);
}

/** The newest records; open ones are never forgotten. */
function bounded(failures: ReadonlyMap<string, FailureRecord>): Iterable<readonly [string, FailureRecord]> {
  if (failures.size < RECORDS_MAX) return failures;
  const closed = [...failures].filter(([, record]) => !isOpen(record)).slice(-RECORDS_MAX / 2);
  return [...failures].filter(([, record]) => isOpen(record)).concat(closed);
}
