import { confirmed, countRefuted } from './alarmfold.ts';
import type { FailureFact } from './failure.ts';
import { type FailureRecord, type Folded, type Ledgered, mention, openFailure, readmit, settle } from './failurerecord.ts';
import type { SignedStatus } from './status.ts';

/** A verifier's own finding. */
export function foldFailure(state: Ledgered, fact: FailureFact): Folded {
  if (state.failures.has(fact.id)) return mention(state, [fact.id]);
  return openFailure(state, fact, null);
}

/** Failures of a status that somebody has applied: a leader may have died between broadcasting and logging them. */
export function foldWitness(state: Ledgered, { status }: SignedStatus): Folded {
  const known = status.failures.filter(({ id }) => state.failures.has(id)).map(({ id }) => id);
  const news = status.failures.filter(({ id, effect }) => effect !== 'tolerated' && !state.failures.has(id));
  return news.reduce<Folded>((folded, fact) => openFailure({ ...state, ...folded }, fact, null), mention(state, known));
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
    (counted, { author }) => (author === null ? counted : countRefuted(counted, author, state.logMs)),
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
