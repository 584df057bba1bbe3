import { type ControlState, remember } from './controlstate.ts';
import type { Author } from './election.ts';
import type { ControlBody } from './entry.ts';
import { foldEnd } from './failures.ts';

/** How long a verification that has begun speaks for its store, although nothing else is heard. */
const VERIFYING_MS = 60_000;

/** A full verification begins: from here on its bytes count. Of two entries for one the first does: its bytes may be read by the second. */
export function foldBegin(state: ControlState, body: Extract<ControlBody, { kind: 'begin' }>, author: Author): ControlState {
  const key = `${author.keyId}.${body.verification}`;
  const known = state.begun.get(key);
  const begun = known ? state.begun : remember(state.begun, key, { position: state.position, store: body.store });
  const storesHeard = remember(state.storesHeard, body.store, state.logMs + VERIFYING_MS);
  return { ...state, begun, storesHeard, verifierStores: new Set(state.verifierStores).add(body.store) };
}

/** A full verification has ended: it closes what it did not find again, and may be what a release rests on. */
export function foldVerification(state: ControlState, body: Extract<ControlBody, { kind: 'end' }>, author: Author): ControlState {
  const key = `${author.keyId}.${body.verification}`;
  const begin = state.begun.get(key);
  if (begin === undefined || begin.store !== body.store) return state;
  const begun = new Map(state.begun);
  begun.delete(key);
  const storesHeard = remember(state.storesHeard, body.store, state.logMs);
  const next = {
    ...state,
    begun,
    storesHeard,
    ...foldEnd(state, { store: body.store, begin: begin.position, standing: new Set(body.standing) }),
  };
  if (body.lockDigest === null || body.lockSequence === null || stands(next, body.standing)) return next;
  // An end that comes late must not hide a verification that began after it.
  if (state.passed !== null && state.passed.begin > begin.position) return next;
  return {
    ...next,
    passed: {
      begin: begin.position,
      end: state.position,
      store: body.store,
      lockDigest: body.lockDigest,
      lockSequence: body.lockSequence,
    },
  };
}

/** Whether one of these failures forbids serving. One that the log does not know does too. */
function stands(state: ControlState, ids: readonly string[]): boolean {
  return ids.some((id) => (state.failures.get(id)?.fact.effect ?? 'safe') !== 'tolerated');
}
