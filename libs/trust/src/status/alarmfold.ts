import type { SignedAlarm } from './alarm.ts';
import type { ConflictProof } from './entry.ts';
import type { FailureFact } from './failure.ts';
import { type FailureRecord, type Folded, isOpen, type Ledgered, mention, openFailure, recent, settle } from './failurerecord.ts';

/** An empty alarm costs its author one day of its two; after that, its alarms move nobody until it is readmitted. */
const REFUTED_MAX = 2;
const DAY_MS = 24 * 60 * 60 * 1_000;
/** Alarms of one author within a day that are weighed: one for each artifact of a large pack. Whoever sends more floods the log. */
const ALARMS_A_DAY_MAX = 64;
/** Beyond those, one in this time is noted, so that an honest author hears that it is resolved: it repeats itself no faster. */
const ALARM_NOTED_EVERY_MS = 60_000;

/**
 * An instance's report about its own disk: believed at once, and its author loses its place until the matter is settled. On a store
 * that a verifier shares, that verifier's bytes decide; elsewhere nobody can look, so the author's quarantine closes the failure. The
 * author's key is quarantined, not the store that it names: a rogue could name another host's. A flood of alarms costs no more than the
 * first of them: beyond a day's number they move nobody, push nobody else's out, and change no status.
 */
export function foldAlarm(state: Ledgered, { alarm, id, keyId }: SignedAlarm): Folded {
  const known = state.failures.get(id);
  if (known !== undefined) return known.author === null ? adopt(state, known, keyId) : mention(state, [id]);
  const said = alarmsOf(state, keyId);
  const flooding = said.length >= ALARMS_A_DAY_MAX;
  if (flooding && state.logMs - Math.max(...said.map(({ atMs }) => atMs)) < ALARM_NOTED_EVERY_MS) return state;
  const spent = flooding || recent(state.refuted.get(keyId), state.logMs, DAY_MS).length >= REFUTED_MAX;
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
  const opened = openFailure(flooding ? forgetOne(state, said) : state, fact, keyId);
  const closed = (folded: Folded) => settle(folded, state.position, (record) => record.fact.id === id);
  if (obsolete) return closed(opened);
  const quarantined = new Map(opened.quarantined).set(keyId, state.position);
  if (spent) return closed({ ...opened, quarantined });
  if (state.verifierStores.has(alarm.store)) return { ...opened, quarantined };
  return closed({ ...opened, quarantined, refuted: countRefuted(opened.refuted, keyId, state.logMs) });
}

/** What the author has said within a day, the oldest first. */
function alarmsOf({ failures, logMs }: Ledgered, author: string): readonly FailureRecord[] {
  return [...failures.values()].filter((record) => record.author === author && logMs - record.atMs < DAY_MS);
}

/** Makes room for the author's next alarm out of its own: the oldest that is over. */
function forgetOne(state: Ledgered, said: readonly FailureRecord[]): Ledgered {
  const oldest = said.find((record) => !isOpen(record));
  if (oldest === undefined) return state;
  const failures = new Map(state.failures);
  failures.delete(oldest.fact.id);
  return { ...state, failures };
}

/**
 * The alarm itself comes after the log has heard of it from others: a leader that relayed the failure, a guard that brought its status
 * as a witness. Its author pays the same price as if it had come first.
 */
function adopt(state: Ledgered, known: FailureRecord, author: string): Folded {
  const record = { ...known, author, mentioned: state.position };
  const adopted = { ...state, failures: new Map(state.failures).set(known.fact.id, record) };
  const refuted = () => ({ ...adopted, refuted: countRefuted(state.refuted, author, state.logMs) });
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
  return settle({ ...openFailure(state, fact, null), deposedKeys }, state.position, (record) => record.fact.id === id);
}

/** Whether a verifier has seen the same trouble on the same store itself, and it was not over before the alarm. */
export function confirmed(state: Ledgered, alarm: FailureRecord): boolean {
  const same = ({ fact, author }: FailureRecord) =>
    author === null && fact.store === alarm.fact.store && fact.artifact === alarm.fact.artifact;
  return [...state.failures.values()].some((record) => same(record) && (!record.closed || record.mentioned > alarm.position));
}

/** One more empty alarm of an author. */
export function countRefuted(refuted: Ledgered['refuted'], author: string, nowMs: number): Ledgered['refuted'] {
  return new Map(refuted).set(author, [...recent(refuted.get(author), nowMs, DAY_MS), nowMs]);
}
