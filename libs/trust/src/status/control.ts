import { sha256Hex } from '../digest.ts';
import type { ControlBody, ControlEntry, Placed } from './entry.ts';
import { campaignHolds, type Leader } from './election.ts';
import {
  foldAlarm,
  foldConflict,
  foldEnd,
  foldFailure,
  foldOrder,
  foldQuarantine,
  foldWitness,
  isOpen,
  type Ledgered,
} from './failures.ts';
import type { Effect } from './failure.ts';
import { worst } from './failure.ts';

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

/** How long a verification that has begun speaks for its store, although nothing else is heard. */
const VERIFYING_MS = 60_000;

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

/** One message further. Total: whatever lies in the log, the fold goes on. */
export function foldControl(state: ControlState, placed: Placed): ControlState {
  if (placed.position <= state.position) return state;
  const step = state.stampMs === 0 ? 0 : Math.max(0, placed.atMs - state.stampMs);
  const at = { ...state, position: placed.position, logMs: state.logMs + step, stampMs: placed.atMs };
  const chained = placed.lasting
    ? { ...at, chained: placed.position, head: sha256Hex(Buffer.from(state.head + placed.digest, 'hex')) }
    : at;
  return closeGate(foldMessage(chained, placed.message));
}

/** What the open failures demand. `safe` also where nothing is open, but a release has not been earned yet. */
export function controlMode(state: ControlState): 'normal' | 'safe' | 'halted' {
  if (state.releasedAt !== null) return 'normal';
  return demanded(state) === 'halted' ? 'halted' : 'safe';
}

/** Whether a release of that lock would hold at this place of the log; else why not. */
export function whyNotReleasable(state: ControlState, lockDigest: string): string | null {
  if (demanded(state) !== 'tolerated') return 'failures are open';
  if (state.passed === null || state.passed.begin < state.lastFailure)
    return 'no full verification has begun since the last failure';
  if (state.passed.lockDigest !== lockDigest) return 'the last full verification was of another lock';
  if (state.logMs < state.dwellUntilMs) return 'the time of rest after a failure is not over';
  return null;
}

/** The strictest effect of all open failures. */
export function demanded(state: Ledgered): Effect {
  return worst([...state.failures.values()].filter(isOpen).map(({ fact }) => fact));
}

function foldMessage(state: ControlState, message: Placed['message']): ControlState {
  switch (message.kind) {
    case 'entry':
      return foldEntry(state, message.entry, message.keyId);
    case 'alarm':
      return message.conflict === null
        ? { ...state, ...foldAlarm(state, message.signed) }
        : dethrone({ ...state, ...foldConflict(state, message.signed, message.conflict) });
    case 'witness':
      return { ...state, ...foldWitness(state, message.signed) };
    case 'order':
      return { ...state, ...foldOrder(state, message.signed) };
    case 'noise':
      return state;
  }
}

function foldEntry(state: ControlState, entry: ControlEntry, keyId: string): ControlState {
  if (entry.body.kind === 'open')
    return state.incarnation === null ? { ...state, incarnation: entry.incarnation, rules: entry.body } : state;
  const boot = `${keyId}.${entry.boot}`;
  if (entry.incarnation !== state.incarnation || entry.counter <= (state.counters.get(boot) ?? -1)) return state;
  return foldBody({ ...state, counters: remember(state.counters, boot, entry.counter) }, entry.body, {
    instance: entry.author,
    keyId,
    boot: entry.boot,
  });
}

type Author = Pick<Leader, 'instance' | 'keyId' | 'boot'>;

function foldBody(state: ControlState, body: ControlBody, author: Author): ControlState {
  const leads = 'epoch' in body && isLeader(state, author, body.epoch);
  switch (body.kind) {
    case 'open':
      return state;
    case 'campaign': {
      if (!campaignHolds(state, body.epoch, author.keyId)) return state;
      const verifierStores = new Set(state.verifierStores).add(body.store);
      return {
        ...state,
        epoch: body.epoch,
        verifierStores,
        leader: { ...author, since: state.position, lastBeatMs: state.logMs, resigned: false },
      };
    }
    case 'beat':
      return leads && state.leader !== null ? { ...state, leader: { ...state.leader, lastBeatMs: state.logMs } } : state;
    case 'resign':
      return leads && state.leader !== null ? { ...state, leader: { ...state.leader, resigned: true } } : state;
    case 'failure':
      return { ...state, ...foldFailure(state, body.failure) };
    case 'begin': {
      const begun = remember(state.begun, `${author.keyId}.${body.verification}`, {
        position: state.position,
        store: body.store,
      });
      const storesHeard = remember(state.storesHeard, body.store, state.logMs + VERIFYING_MS);
      return { ...state, begun, storesHeard, verifierStores: new Set(state.verifierStores).add(body.store) };
    }
    case 'end':
      return finish(state, body, author);
    case 'release':
      if (!leads || whyNotReleasable(state, body.lockDigest) !== null) return state;
      return {
        ...state,
        releasedAt: state.position,
        adopted: { digest: body.lockDigest, sequence: body.lockSequence, mismatch: body.mismatch },
      };
    case 'quarantine':
      return leads ? { ...state, ...foldQuarantine(state, body.store) } : state;
  }
}

function finish(state: ControlState, body: Extract<ControlBody, { kind: 'end' }>, author: Author): ControlState {
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

/** Bad news closes the gate at its own place in the log; only a release opens it again. */
function closeGate(state: ControlState): ControlState {
  return state.releasedAt !== null && state.lastFailure > state.releasedAt ? { ...state, releasedAt: null } : state;
}

function dethrone(state: ControlState): ControlState {
  if (state.leader === null || !state.deposedKeys.has(state.leader.keyId)) return state;
  return { ...state, leader: { ...state.leader, resigned: true } };
}

/** Whether the author, in this very boot, leads in that epoch. */
export function isLeader(state: ControlState, author: Author, epoch: number): boolean {
  const { leader } = state;
  return (
    leader !== null && !leader.resigned && state.epoch === epoch && leader.keyId === author.keyId && leader.boot === author.boot
  );
}

function remember<V>(map: ReadonlyMap<string, V>, key: string, value: V): ReadonlyMap<string, V> {
  const next = new Map(map.size > REMEMBERED_MAX ? [...map].slice(-REMEMBERED_MAX) : map);
  next.delete(key);
  return next.set(key, value);
}
