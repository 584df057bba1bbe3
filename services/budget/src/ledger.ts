import { type Amounts, atLeast, atMost, less, plus } from './amounts.ts';
import { Authors, type AuthorsDump } from './authors.ts';
import { type Balance, Counters, type CountersDump } from './counters.ts';
import type { Authored, Command } from './entry.ts';
import { type BoundLimit, type Holder, type Limit, limitsOf, nameOf, refillsMs, windowNumber } from './limits.ts';
import { type OrderJudge, Orders, type OrdersDump } from './orders.ts';
import { type LimitLeft, NOTED, type Outcome, rejected } from './outcome.ts';
import { type Closed, type Reservation, Reservations, type ReservationsDump } from './reservations.ts';
import { type PackLimits, Terms, type TermsDump } from './terms.ts';

/** How far a stream timestamp may run ahead of the writer's clock: a server clock that steps ahead must not freeze a window. */
export const CLOCK_AHEAD_MS_MAX = 5_000;
/** After its not-after, a reservation is expired only when an honest holder's clock says so, too: the ledger's may have run ahead. */
export const EXPIRY_MARGIN_MS = CLOCK_AHEAD_MS_MAX + 2_000;
/** Longest life of a reservation: the longest turn, with room. */
export const LIFE_MS_MAX = 600_000;
/** How long a closed reservation is remembered, so that a repeated command still gets its answer. */
const MEMORY_MS = LIFE_MS_MAX;
/** How long nothing is granted after the log has lost entries: until all that may have been held in them has ended. */
export const RECOVERY_MS = LIFE_MS_MAX + EXPIRY_MARGIN_MS;
/** The ledger tidies up once in this much of its own time: often enough to free a dead holder's tokens, seldom enough to cost nothing. */
const TIDY_MS = 1_000;

export interface UsageLine extends BoundLimit {
  readonly charged: number;
  readonly reserved: number;
  readonly overrun: number;
  readonly refillsMs: number;
}

export interface LedgerDump {
  readonly timeMs: number;
  readonly grantsFromMs: number;
  readonly incarnation: string;
  readonly terms: TermsDump;
  readonly orders: OrdersDump;
  readonly authors: AuthorsDump;
  readonly counters: CountersDump;
  readonly reservations: ReservationsDump;
}

/**
 * The ledger: a pure fold over the log, in the log's order. Invariant `no-overspend`: for every limit and window,
 * charged + reserved never exceeds the limit that was in force when something was granted.
 * Replicas that have folded the same entries are equal, whoever wrote them; time is the log's. No entry makes it throw: one that did
 * would stop every replica at the same place for ever.
 */
export class Ledger {
  #timeMs = 0;
  #grantsFromMs = 0;
  #incarnation: string | undefined;
  /** Whether the log was read from its very first entry. */
  #whole: boolean | undefined;
  readonly #terms: Terms;
  readonly #orders: Orders;
  readonly #authors: Authors;
  readonly #counters: Counters;
  readonly #reservations: Reservations;

  /** `limits` are in force until a pack's are adopted. With a `dump`, goes on from where that ledger stood. */
  constructor(judge: OrderJudge, limits: readonly Limit[] = [], dump?: LedgerDump) {
    this.#orders = new Orders(judge, dump?.orders);
    this.#terms = new Terms(dump?.terms.pack ?? { generation: 0, sequence: 0, limits }, dump?.terms.set);
    this.#authors = new Authors(dump?.authors);
    this.#counters = new Counters(dump?.counters);
    this.#reservations = new Reservations(dump?.reservations);
    if (!dump) return;
    this.#timeMs = dump.timeMs;
    this.#grantsFromMs = dump.grantsFromMs;
    this.#incarnation = dump.incarnation;
    this.#whole = true;
  }

  /** Everything that it knows, as JSON; undefined where it knows nothing that one could go on from. */
  dump(): LedgerDump | undefined {
    if (this.#incarnation === undefined) return undefined;
    return {
      timeMs: this.#timeMs,
      grantsFromMs: this.#grantsFromMs,
      incarnation: this.#incarnation,
      terms: this.#terms.dump(),
      orders: this.#orders.dump(),
      authors: this.#authors.dump(),
      counters: this.#counters.dump(),
      reservations: this.#reservations.dump(),
    };
  }

  /** Which log this is; undefined before its first entry. */
  get incarnation(): string | undefined {
    return this.#incarnation;
  }

  /**
   * Something stands at this place of the log, an entry or not. A log whose head was cut off gets no incarnation: who has read the
   * head and who has not would fold two ledgers.
   */
  see(position: number): void {
    this.#whole ??= position === 1;
  }

  /** Folds one entry. `position` is its place in the log, `streamMs` the log's timestamp of it. */
  apply(entry: Authored, position: number, streamMs: number): Outcome {
    const { incarnation, replica, boot, counter, atMs, command } = entry;
    this.see(position);
    if (this.#incarnation === undefined && this.#whole && command.kind === 'begin') this.#incarnation = incarnation;
    if (incarnation !== this.#incarnation) return rejected('other-incarnation');
    this.#advance(Math.min(streamMs, atMs + CLOCK_AHEAD_MS_MAX));
    const fault = this.#authors.admit(entry);
    // An author and its counter make an id that is not used again, though positions may be, after a lost tail.
    return fault === undefined ? this.#decide(command, `r${position}-${replica}-${boot}-${counter}`) : rejected(fault);
  }

  #decide(command: Command, id: string): Outcome {
    switch (command.kind) {
      case 'reserve':
        return this.#reserve(command, id);
      case 'extend':
        return this.#extend(command);
      case 'settle':
        return this.#settle(command.reservation, command.spent);
      case 'release':
        return this.#settle(command.reservation, {});
      case 'set-limit':
        return this.#setLimit(command.order);
      case 'adopt-limits':
        this.#terms.adopt(command);
        return NOTED;
      case 'recover':
        this.#grantsFromMs = this.#timeMs + RECOVERY_MS;
        return NOTED;
      case 'begin':
      case 'tick':
        return NOTED;
    }
  }

  #reserve(
    { key: ownKey, tenant, user, amounts, covered = {}, lifeMs }: Extract<Command, { kind: 'reserve' }>,
    id: string,
  ): Outcome {
    const key = JSON.stringify([tenant, ownKey]);
    const known = this.#reservations.ofKey(key);
    if (known) return known.closed ? rejected('closed-reservation') : this.#granted(known, known.held);
    const holder = { tenant, user };
    const no = this.#refusal(holder, amounts, this.#timeMs);
    if (no) return no;
    const reservation: Reservation = {
      id,
      holder,
      key,
      admittedMs: this.#timeMs,
      notAfterMs: this.#timeMs + Math.min(lifeMs, LIFE_MS_MAX),
      extensions: new Set(),
      held: amounts,
      // A request is used by being admitted; of all else nothing is, but what its holder says.
      covered: atMost({ ...covered, requests: Number.MAX_SAFE_INTEGER }, amounts),
      closed: undefined,
    };
    this.#reservations.add(reservation);
    this.#book(reservation, amounts, 'reserved', 1);
    return this.#granted(reservation, amounts);
  }

  #granted({ id, holder, held, admittedMs, notAfterMs }: Reservation, asked: Amounts): Outcome {
    const limits = limitsOf(this.#terms.inForce, holder)
      .filter(({ unit }) => (asked[unit] ?? 0) > 0)
      .map((limit) => this.#leftOf(limit, admittedMs));
    return { kind: 'granted', reservation: id, amounts: held, notAfterMs, limits };
  }

  /** A cover counts even where more is refused: what was held may have been used. */
  #extend({ reservation: id, key, more, spent }: Extract<Command, { kind: 'extend' }>): Outcome {
    const reservation = this.#reservations.find(id);
    if (!reservation) return rejected('unknown-reservation');
    if (reservation.closed || this.#timeMs > reservation.notAfterMs) return rejected('closed-reservation');
    const no = reservation.extensions.has(key) ? undefined : this.#more(reservation, key, more);
    reservation.covered = atMost(atLeast(reservation.covered, spent), reservation.held);
    return no ?? this.#granted(reservation, more);
  }

  #more(reservation: Reservation, key: string, more: Amounts): Outcome | undefined {
    const no = this.#refusal(reservation.holder, more, reservation.admittedMs);
    if (no) return no;
    reservation.extensions.add(key);
    reservation.held = plus(reservation.held, more);
    this.#book(reservation, more, 'reserved', 1);
    return undefined;
  }

  #setLimit(order: string): Outcome {
    const taken = this.#orders.take(order, { atMs: this.#timeMs, generation: this.#terms.generation });
    if (typeof taken === 'string') return rejected(taken);
    const { limit, id, operator } = taken;
    return { kind: 'limit-set', limit, previous: this.#terms.set(limit), order: id, operator };
  }

  /** Books what was spent and frees the rest. More than was held is charged up to what was held; the rest is `overrun`, for an alert. */
  #settle(id: string, spent: Amounts): Outcome {
    const reservation = this.#reservations.find(id);
    if (!reservation) return rejected('unknown-reservation');
    const { closed } = reservation;
    if (!closed) return this.#close(reservation, spent, 'holder');
    if (closed.by === 'holder') return closed.outcome;
    // Truth that comes too late may not go into a window that was granted out meanwhile.
    const outcome = { ...closed.outcome, overrun: less(spent, closed.outcome.charged) };
    this.#book(reservation, outcome.overrun, 'overrun', 1);
    reservation.closed = { ...closed, by: 'holder', outcome };
    return outcome;
  }

  #close(reservation: Reservation, spent: Amounts, by: Closed['by']): Outcome {
    const { held } = reservation;
    const charged = atMost(spent, held);
    const outcome = { kind: 'settled', charged, freed: less(held, charged), overrun: less(spent, held) } as const;
    this.#book(reservation, held, 'reserved', -1);
    this.#book(reservation, charged, 'charged', 1);
    this.#book(reservation, outcome.overrun, 'overrun', 1);
    this.#reservations.close(reservation, { atMs: this.#timeMs, by, outcome });
    return outcome;
  }

  /**
   * Why the amounts are not granted in the windows of `atMs`; undefined when they are. Of several limits that would break, the one
   * that refills last is named: before that, trying again is in vain.
   */
  #refusal(holder: Holder, asked: Amounts, atMs: number): Outcome | undefined {
    if (this.#timeMs < this.#grantsFromMs) return rejected('recovering');
    if (!this.#counters.bears(holder, asked, atMs)) return rejected('sum-too-large');
    const broken = limitsOf(this.#terms.inForce, holder).filter((limit) => {
      const wanted = asked[limit.unit] ?? 0;
      return wanted > 0 && this.#out(limit, atMs) + wanted > limit.limit;
    });
    const [last] = broken.toSorted((a, b) => refillsMs(b.window, atMs) - refillsMs(a.window, atMs));
    if (!last) return undefined;
    return { kind: 'refused', subject: last.subject, ...this.#leftOf(last, atMs) };
  }

  #leftOf(limit: BoundLimit, atMs: number): LimitLeft {
    return {
      limit: nameOf(limit),
      limitValue: limit.limit,
      left: Math.max(0, limit.limit - this.#out(limit, atMs)),
      refillsMs: refillsMs(limit.window, atMs),
    };
  }

  #out(limit: BoundLimit, atMs: number): number {
    const { charged, reserved } = this.#counters.standing(limit, atMs);
    return charged + reserved;
  }

  #book({ holder, admittedMs }: Reservation, amounts: Amounts, side: keyof Balance, sign: 1 | -1): void {
    this.#counters.book(holder, amounts, admittedMs, side, sign);
  }

  /** The log's time never steps back. */
  #advance(toMs: number): void {
    if (toMs <= this.#timeMs) return;
    const tidyDue = Math.floor(toMs / TIDY_MS) > Math.floor(this.#timeMs / TIDY_MS);
    const minuteBegins = windowNumber('minute', toMs) > windowNumber('minute', this.#timeMs);
    this.#timeMs = toMs;
    if (tidyDue) this.#expire();
    // Windows that an open reservation can still book into stay.
    if (minuteBegins) this.#counters.sweep(toMs - LIFE_MS_MAX - EXPIRY_MARGIN_MS - TIDY_MS);
  }

  /** A reservation past its end is closed at what its holder has covered, and the rest is free again. */
  #expire(): void {
    for (const reservation of this.#reservations.open()) {
      if (this.#timeMs > reservation.notAfterMs + EXPIRY_MARGIN_MS) this.#close(reservation, reservation.covered, 'expiry');
    }
    this.#reservations.forget(this.#timeMs - MEMORY_MS);
    this.#orders.forget(this.#timeMs);
  }

  /** When the next open reservation will have expired, by the ledger's time; undefined when none is open. */
  nextExpiryMs(): number | undefined {
    let next: number | undefined;
    for (const { notAfterMs } of this.#reservations.open())
      if (next === undefined || notAfterMs + EXPIRY_MARGIN_MS < next) next = notAfterMs + EXPIRY_MARGIN_MS;
    return next;
  }

  /** The newest life of a replica that has written. */
  boot(replica: string): number | undefined {
    return this.#authors.boot(replica);
  }

  isNewer(pack: Omit<PackLimits, 'limits'>): boolean {
    return this.#terms.isNewer(pack);
  }

  /** What a holder's limits stand at, at the log's time or `nowMs`, whichever is later. */
  usage(holder: Holder, nowMs: number): readonly UsageLine[] {
    const atMs = Math.max(this.#timeMs, nowMs);
    return limitsOf(this.#terms.inForce, holder).map((limit) => {
      const { charged, reserved, overrun } = this.#counters.standing(limit, atMs);
      return { ...limit, charged, reserved, overrun, refillsMs: refillsMs(limit.window, atMs) };
    });
  }
}
