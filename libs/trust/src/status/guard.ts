import { EPOCH_STEP_MAX, LATCHES_MAX, NONCE_EVERY_MS, NONCE_PAUSE_MS, NONCES_OPEN_MAX, SILENCE_MS } from './limits.ts';
import { isFresh, leaderBoundMs, type LeaderLine, tighter } from './lease.ts';
import { elapsedMs, type Moment } from './moment.ts';
import type { NonceReply } from './nonce.ts';
import { compareOrder } from './order.ts';
import type { Verified } from '../verified.ts';
import { permits, type SignedStatus } from './status.ts';

/** Whose guard this is. */
export interface GuardSelf {
  /** The store that this instance serves from, see `storeId`. */
  readonly store: string;
  /** Key id of the instance's own identity. */
  readonly keyId: string;
}

/** A failure that this guard will not forget until a permissive status names it as resolved. */
export interface Latch {
  /** Raised by this instance itself. */
  readonly own: boolean;
  /** Must be named by an operator's release. */
  readonly operator: boolean;
  /** The signed alarm or status that says so; appended to the log if a leader seems not to know it. */
  readonly witness: Uint8Array;
}

/** All that a guard knows. A value: each step makes a new one. */
export interface GuardState {
  readonly self: GuardSelf;
  /** The status in force. */
  readonly applied: Verified<SignedStatus> | null;
  /** The highest permissive status seen that could not be applied yet: an order floor, and a candidate. */
  readonly offered: Verified<SignedStatus> | null;
  readonly line: LeaderLine | null;
  readonly latches: ReadonlyMap<string, Latch>;
  readonly nonces: ReadonlyMap<string, Moment>;
  readonly askedAt: Moment | null;
  readonly heardAt: Moment | null;
  /** An epoch in which a leader contradicted itself; nothing of it permits anything any more. */
  readonly conflictEpoch: number | null;
}

/** What a message did. The shell sends what the kind asks for. */
export type Outcome =
  /** In force now. `changed`: more than a renewal, so it is acked at once. */
  | { readonly kind: 'applied'; readonly state: GuardState; readonly changed: boolean }
  | { readonly kind: 'ignored'; readonly state: GuardState }
  /** Its freshness is not shown: ask the leader. */
  | { readonly kind: 'wants-nonce'; readonly state: GuardState }
  /** From a deposed leader: answer with the status that outranks it. */
  | { readonly kind: 'stale-epoch'; readonly state: GuardState; readonly held: Uint8Array }
  /** It does not resolve what this guard knows: append the witnesses to the control log. */
  | { readonly kind: 'unresolved'; readonly state: GuardState; readonly witness: readonly Uint8Array[] }
  /** Two statuses that cannot both be honest: raise an alarm with both as its proof. */
  | { readonly kind: 'conflict'; readonly state: GuardState; readonly proof: readonly [Uint8Array, Uint8Array] };

/** A guard that has seen nothing: nothing is permitted. */
export function newGuard(self: GuardSelf): GuardState {
  return {
    self,
    applied: null,
    offered: null,
    line: null,
    latches: new Map(),
    nonces: new Map(),
    askedAt: null,
    heardAt: null,
    conflictEpoch: null,
  };
}

/**
 * One lock status, from the bus, the retained value or a nonce reply. Order strictly rises; restrictive statuses need nothing else;
 * permissive ones must be fresh in the leader's time and resolve everything that this guard has latched.
 */
export function applyStatus(state: GuardState, signed: Verified<SignedStatus>, now: Moment): Outcome {
  const conflicting = contradiction(state, signed);
  if (conflicting !== null)
    return {
      kind: 'conflict',
      state: { ...state, conflictEpoch: signed.status.epoch },
      proof: [conflicting.envelope, signed.envelope],
    };
  const highest = highestSeen(state);
  if (highest !== null && signed.status.epoch < highest.status.epoch)
    return { kind: 'stale-epoch', state, held: highest.envelope };
  if (highest !== null && signed.status.epoch > highest.status.epoch + EPOCH_STEP_MAX) return { kind: 'ignored', state };
  if (state.applied !== null && compareOrder(signed.status, state.applied.status) <= 0) return { kind: 'ignored', state };
  const heard = isNews(highest, signed) ? { ...state, heardAt: now } : state;
  return permits(signed.status) ? permit(heard, signed, now) : restrict(heard, signed);
}

/** Notes a question to the leader. Called before the question is sent: the time line starts no later than that. */
export function beginNonce(state: GuardState, nonce: string, now: Moment): GuardState {
  const nonces = new Map([...state.nonces].slice(-(NONCES_OPEN_MAX - 1)));
  return { ...state, nonces: nonces.set(nonce, now), askedAt: now };
}

/** The leader's answer: bounds its clock, then judges the status that it carries and the one that has been waiting. */
export function applyNonceReply(state: GuardState, reply: Verified<NonceReply>, now: Moment): Outcome {
  const askedAt = state.nonces.get(reply.nonce);
  const highest = highestSeen(state);
  if (askedAt === undefined || (highest !== null && reply.epoch < highest.status.epoch)) return { kind: 'ignored', state };
  const nonces = new Map(state.nonces);
  nonces.delete(reply.nonce);
  const line = tighter(
    state.line,
    { epoch: reply.epoch, keyId: reply.keyId, leaderMs: reply.leaderMs, askedAt, refreshedAt: now },
    now,
  );
  const known = { ...state, nonces, line, heardAt: now };
  const waiting = [state.offered, reply.status]
    .filter((signed) => signed !== null)
    .toSorted((a, b) => compareOrder(a.status, b.status));
  return waiting.reduce<Outcome>((outcome, signed) => louder(outcome, applyStatus(outcome.state, signed, now)), {
    kind: 'ignored',
    state: known,
  });
}

/** An alarm of this instance's own: nothing is permitted here until a permissive status resolves it. */
export function latchAlarm(state: GuardState, id: string, envelope: Uint8Array): GuardState {
  return { ...state, latches: new Map(state.latches).set(id, { own: true, operator: false, witness: envelope }) };
}

/** Whether the leader should be asked now. To be polled a few times a second. */
export function needsNonce(state: GuardState, now: Moment): boolean {
  if (state.askedAt !== null && elapsedMs(state.askedAt, now) < NONCE_PAUSE_MS) return false;
  const highest = highestSeen(state);
  if (highest === null || state.line === null || state.heardAt === null) return true;
  if (state.line.epoch < highest.status.epoch || elapsedMs(state.line.refreshedAt, now) >= NONCE_EVERY_MS) return true;
  if (elapsedMs(state.heardAt, now) >= SILENCE_MS) return true;
  return permits(highest.status) && !isFresh(highest.status, highest.keyId, state.line, now);
}

/** The latest moment of the leader's clock, for figures and tests; undefined before the first answer. */
export function leaderNowMs(state: GuardState, now: Moment): number | undefined {
  return state.line === null ? undefined : leaderBoundMs(state.line, now);
}

function restrict(state: GuardState, signed: Verified<SignedStatus>): Outcome {
  const latches = new Map(state.latches);
  for (const failure of signed.status.failures) {
    if (failure.effect === 'tolerated' || latches.size >= LATCHES_MAX || latches.get(failure.id)?.own === true) continue;
    latches.set(failure.id, { own: false, operator: failure.operator || failure.effect === 'halted', witness: signed.envelope });
  }
  return { kind: 'applied', changed: isChange(state, signed), state: { ...state, applied: signed, latches } };
}

function permit(state: GuardState, signed: Verified<SignedStatus>, now: Moment): Outcome {
  if (state.offered !== null && compareOrder(signed.status, state.offered.status) < 0) return { kind: 'ignored', state };
  if (state.conflictEpoch !== null && signed.status.epoch <= state.conflictEpoch) return { kind: 'ignored', state };
  const waiting = { ...state, offered: signed };
  const witness = unresolved(state, signed);
  if (witness.length > 0) return { kind: 'unresolved', state: waiting, witness };
  if (!isFresh(signed.status, signed.keyId, state.line, now)) return { kind: 'wants-nonce', state: waiting };
  const next = { ...state, applied: signed, offered: null, latches: new Map<string, Latch>(), conflictEpoch: null };
  return { kind: 'applied', changed: isChange(state, signed), state: next };
}

/** The witnesses of all that a permissive status leaves open, each once. */
function unresolved(state: GuardState, signed: Verified<SignedStatus>): readonly Uint8Array[] {
  const resolved = new Set(signed.status.resolved);
  const released = new Set(signed.releases.flatMap(({ order }) => (order.action === 'release' ? order.failures : [])));
  const open = [...state.latches].filter(([id, latch]) => !resolved.has(id) || (latch.operator && !released.has(id)));
  return [...new Set(open.map(([, latch]) => latch.witness))];
}

/** A status already seen that cannot be true together with this one: one place with other bytes, or two leaders in one epoch. */
function contradiction(state: GuardState, signed: Verified<SignedStatus>): Verified<SignedStatus> | null {
  for (const seen of [state.applied, state.offered]) {
    if (seen === null || seen.status.generation !== signed.status.generation || seen.status.epoch !== signed.status.epoch)
      continue;
    if (seen.keyId !== signed.keyId || seen.status.leader !== signed.status.leader) return seen;
    if (compareOrder(seen.status, signed.status) === 0 && seen.digest !== signed.digest) return seen;
  }
  return null;
}

function highestSeen({ applied, offered }: GuardState): Verified<SignedStatus> | null {
  if (applied === null || offered === null) return applied ?? offered;
  return compareOrder(applied.status, offered.status) < 0 ? offered : applied;
}

function isNews(highest: Verified<SignedStatus> | null, signed: Verified<SignedStatus>): boolean {
  return highest === null || compareOrder(signed.status, highest.status) > 0;
}

function isChange({ applied }: GuardState, { status }: Verified<SignedStatus>): boolean {
  if (applied === null) return true;
  return (
    applied.status.mode !== status.mode || applied.status.epoch !== status.epoch || applied.status.revision !== status.revision
  );
}

const LOUDNESS: readonly Outcome['kind'][] = ['ignored', 'wants-nonce', 'stale-epoch', 'applied', 'unresolved', 'conflict'];

/** Of two outcomes in a row the one that asks for more; the later state holds. */
function louder(first: Outcome, second: Outcome): Outcome {
  if (first.kind === 'applied' && second.kind === 'applied') return { ...second, changed: first.changed || second.changed };
  const kept = LOUDNESS.indexOf(first.kind) > LOUDNESS.indexOf(second.kind) ? first : second;
  return { ...kept, state: second.state };
}
