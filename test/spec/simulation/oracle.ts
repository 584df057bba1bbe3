import {
  CLOCK_DRIFT,
  CLOCKS_PARTED_MAX_MS,
  compareOrder,
  type FailureFact,
  type GuardState,
  type LockStatus,
  permits,
  type SignedStatus,
  type Verified,
} from '@smartlite/trust';
import type { SimulatedGuard } from './guard.ts';
import type { Stored } from './log.ts';
import { TIMES, type World } from './world.ts';

/** Rounding to whole milliseconds, and how long a leader may be suspended without having to resign: its time line stands still then. */
const EPSILON_MS = 5 + CLOCKS_PARTED_MAX_MS;
const LEASE_MS = TIMES.ttlMs * (1 + 2 * CLOCK_DRIFT) + EPSILON_MS;
/** Alarms of one author that count; further empty ones are its own matter. */
const ALARMS_COUNTED = 2;

/** A failure as it lies in the log, whoever put it there. */
interface Logged {
  readonly id: string;
  readonly position: number;
  readonly store: string;
  readonly needsOperator: boolean;
  /** Reported of a store that no verifier vouches for: its author's quarantine closes it. */
  foreign: boolean;
}

/** Judges from outside, by the log and true time; it shares no code with the fold. */
export class Oracle {
  readonly #world: World;
  /** Stores that verifiers have begun to vouch for, so far in the log. */
  readonly #vouched = new Set<string>();
  readonly #leaders = new Map<number, string>();
  /** Failures that each guard has learnt of since its last permissive status, and whether by an alarm of its own. */
  readonly #known = new Map<SimulatedGuard, Map<string, 'told' | 'own'>>();
  /** The last status that an emission rested on, and when its beat was sent: looked up once. */
  #judged: { readonly status: LockStatus | null; readonly sentMs: number } = { status: null, sentMs: -Infinity };
  readonly #earnedAt = new Set<number>();
  #scanned = 0;
  #failures: Logged[] = [];
  /** Every failure ever named in the log, with its first position, whether it counts or not. */
  readonly #ids = new Map<string, number>();
  /** Beats and campaigns that the log holds: `epoch.number`. */
  readonly #beats = new Set<string>();
  /** Alarms that have come to the log themselves, and how many of each author. */
  readonly #alarmed = new Set<string>();
  readonly #alarms = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  /** After a status came into force at a guard. */
  applied(guard: SimulatedGuard, before: GuardState, signed: Verified<SignedStatus>): void {
    this.#authentic(guard, before, signed);
    this.#oneLeader(signed);
    const known = this.#known.get(guard) ?? new Map<string, 'told' | 'own'>();
    if (permits(signed.status)) {
      this.#earned(guard, signed, known);
      this.#known.set(guard, new Map());
    } else {
      for (const { id, effect } of signed.status.failures) if (effect !== 'tolerated' && !known.has(id)) known.set(id, 'told');
      this.#known.set(guard, known);
    }
  }

  /** An alarm of the guard's own: it knows of that failure from now on. */
  raised(guard: SimulatedGuard, id: string): void {
    this.#known.set(guard, new Map(this.#known.get(guard)).set(id, 'own'));
  }

  forgets(guard: SimulatedGuard): void {
    this.#known.delete(guard);
  }

  /** Position of that failure in the log, whether it counts or not. */
  positionOf(id: string): number | undefined {
    this.#scan();
    return this.#ids.get(id);
  }

  /** At any moment: whether a guard whose gate is open may have it open. */
  emission(guard: SimulatedGuard): void {
    const signed = guard.state.applied;
    if (signed === null || !permits(signed.status)) throw this.#broken('failClosed', guard, 'emits without a permissive status');
    if (guard.memory === null || guard.memory.bad || guard.memory.lockDigest !== signed.status.lockDigest)
      throw this.#broken('verifiedBytes', guard, 'emits from bytes that are not in the lock that its status names');
    this.#scan();
    const sentMs = this.#beatSent(signed);
    const nowMs = this.#world.schedule.nowMs;
    if (nowMs > sentMs + LEASE_MS)
      throw this.#broken('failClosed', guard, `emits ${Math.round(nowMs - sentMs)} ms after the beat was sent`);
    this.#noStaleNormal(guard, signed, nowMs);
  }

  /** An emission may outlive a failure in the log by one lease, however partitioned, unless a later release stands. */
  #noStaleNormal(guard: SimulatedGuard, signed: Verified<SignedStatus>, nowMs: number): void {
    this.#scan();
    const position = signed.status.control?.position ?? 0;
    for (let index = this.#failures.length - 1; index >= 0; index -= 1) {
      const failure = this.#failures[index];
      if (failure === undefined || failure.position < position) return;
      const loggedMs = this.#entry(failure.position).trueMs;
      if (nowMs > loggedMs + LEASE_MS)
        throw this.#broken(
          'noStaleNormal',
          guard,
          `emits ${Math.round(nowMs - loggedMs)} ms after failure ${failure.id.slice(0, 8)} was logged`,
        );
    }
  }

  #authentic(guard: SimulatedGuard, { applied }: GuardState, { status }: Verified<SignedStatus>): void {
    if (applied !== null && compareOrder(status, applied.status) <= 0)
      throw this.#broken('authentic', guard, 'applied a status that does not rise');
  }

  #oneLeader({ status, keyId }: Verified<SignedStatus>): void {
    const leader = this.#leaders.get(status.epoch) ?? keyId;
    this.#leaders.set(status.epoch, leader);
    if (leader !== keyId) throw new Error(`oneLeader: epoch ${status.epoch} was led by ${leader} and ${keyId}`);
  }

  #earned(guard: SimulatedGuard, { status }: Verified<SignedStatus>, known: ReadonlyMap<string, 'told' | 'own'>): void {
    this.#scan();
    const position = status.control?.position ?? 0;
    for (const [id, how] of known) {
      const at = this.#ids.get(id) ?? Infinity;
      // An alarm that moves nobody needs no release behind it, so it may lie behind the last entry that the status' chain covers.
      if (how === 'own' ? at === Infinity : at >= position)
        throw this.#broken('earned', guard, `the log does not know failure ${id.slice(0, 8)}`);
    }
    // The log up to there is judged once, for whomever it permits.
    if (this.#earnedAt.has(position)) return;
    const before = this.#failures.filter((failure) => failure.position < position);
    const last = before.at(-1);
    if (last === undefined) return;
    if (!this.#verifications(position).some(({ begin, standing }) => begin > last.position && standing.length === 0)) {
      throw this.#broken('earned', guard, 'no clean full verification has begun since the last failure');
    }
    for (const failure of before) this.#closed(guard, failure, position);
    this.#earnedAt.add(position);
  }

  #closed(guard: SimulatedGuard, failure: Logged, position: number): void {
    const { log } = this.#world;
    if (failure.store !== 'operator' && !failure.foreign) {
      const verified = this.#verifications(position).some(
        ({ begin, store, standing }) => begin > failure.position && store === failure.store && !standing.includes(failure.id),
      );
      const quarantined = log.entries.some(
        ({ message, position: at }) =>
          message.kind === 'entry' &&
          message.entry.body.kind === 'quarantine' &&
          message.entry.body.store === failure.store &&
          at > failure.position &&
          at <= position,
      );
      if (!verified && !quarantined)
        throw this.#broken('earned', guard, `failure ${failure.id.slice(0, 8)} of ${failure.store} was never closed`);
    }
    if (!failure.needsOperator) return;
    const released = log.entries.some(
      ({ message, position: at }) =>
        message.kind === 'order' &&
        message.signed.order.action === 'release' &&
        message.signed.order.failures.includes(failure.id) &&
        at <= position,
    );
    if (!released) throw this.#broken('earned', guard, `no operator has released failure ${failure.id.slice(0, 8)}`);
  }

  #verifications(before: number): { readonly begin: number; readonly store: string; readonly standing: readonly string[] }[] {
    const begins = new Map<string, number>();
    const ended: { begin: number; store: string; standing: readonly string[] }[] = [];
    for (const { message, position } of this.#world.log.entries) {
      if (position > before) break;
      if (message.kind !== 'entry') continue;
      const { body } = message.entry;
      if (body.kind === 'begin' && !begins.has(body.verification)) begins.set(body.verification, position);
      if (body.kind === 'end')
        ended.push({ begin: begins.get(body.verification) ?? -1, store: body.store, standing: body.standing });
    }
    return ended;
  }

  /** Reads what is new in the log. */
  #scan(): void {
    const { entries } = this.#world.log;
    for (; this.#scanned < entries.length; this.#scanned += 1) {
      const stored = entries[this.#scanned];
      if (stored !== undefined) this.#scanOne(stored);
    }
  }

  #scanOne({ message, position }: Stored): void {
    const add = (fact: Pick<FailureFact, 'id' | 'store' | 'effect' | 'operator'>, foreign = false) => {
      if (this.#ids.has(fact.id) || fact.effect === 'tolerated') return;
      this.#ids.set(fact.id, position);
      this.#failures.push({
        id: fact.id,
        position,
        store: fact.store,
        needsOperator: fact.operator || fact.effect === 'halted',
        foreign,
      });
    };
    if (message.kind === 'entry' && (message.entry.body.kind === 'begin' || message.entry.body.kind === 'campaign'))
      this.#vouched.add(message.entry.body.store);
    if (message.kind === 'entry' && message.entry.body.kind === 'beat')
      this.#beats.add(`${message.entry.body.epoch}.${message.entry.body.number}`);
    if (message.kind === 'entry' && message.entry.body.kind === 'campaign') this.#beats.add(`${message.entry.body.epoch}.0`);
    if (message.kind === 'entry' && message.entry.body.kind === 'failure') add(message.entry.body.failure);
    if (message.kind === 'witness') for (const fact of message.signed.status.failures) add(fact);
    if (message.kind === 'order' && message.signed.order.action === 'enter') {
      add({ id: message.signed.id, store: 'operator', effect: message.signed.order.mode, operator: true });
    }
    if (message.kind !== 'alarm') return;
    const { id, keyId, alarm } = message.signed;
    if (this.#alarmed.has(id)) return;
    this.#alarmed.add(id);
    this.#alarms.set(keyId, (this.#alarms.get(keyId) ?? 0) + 1);
    if (this.#ids.has(id)) {
      // Heard of before it came itself.
      const known = this.#failures.find((failure) => failure.id === id);
      if (known !== undefined && !this.#vouched.has(alarm.store)) known.foreign = true;
      return;
    }
    if ((this.#alarms.get(keyId) ?? 0) <= ALARMS_COUNTED)
      add({ id, store: alarm.store, effect: 'safe', operator: false }, !this.#vouched.has(alarm.store));
    if (!this.#ids.has(id)) this.#ids.set(id, position);
  }

  /** True time at which the beat was sent that this status rests on. */
  #beatSent({ status }: Verified<SignedStatus>): number {
    if (status === this.#judged.status) return this.#judged.sentMs;
    const covered = status.expiresLeaderMs - TIMES.ttlMs;
    const sent = this.#world.beats.findLast(
      ({ epoch, number, leaderMs }) =>
        epoch === status.epoch && Math.floor(leaderMs) === covered && this.#beats.has(`${epoch}.${number}`),
    );
    this.#judged = { status, sentMs: sent?.trueMs ?? -Infinity };
    return this.#judged.sentMs;
  }

  #entry(position: number): Stored {
    const stored = this.#world.log.entries[position - 1];
    if (stored === undefined) throw new Error(`no entry at ${position}`);
    return stored;
  }

  #broken(predicate: string, guard: SimulatedGuard, what: string): Error {
    return new Error(`${predicate}: ${guard.host.name} at ${Math.round(this.#world.schedule.nowMs)} ms ${what}`);
  }
}
