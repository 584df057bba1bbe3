import { type Amounts, atLeast, atMost, less, plus, UNITS, type UnitName } from './amounts.ts';
import type { Authored, Command } from './entry.ts';
import {
  type BoundLimit,
  type Holder,
  type Limit,
  limitsOf,
  nameOf,
  refillsMs,
  type WindowName,
  windowNumber,
  withLimit,
} from './limits.ts';

/** How far a stream timestamp may run ahead of the writer's clock: a server clock that steps ahead must not freeze a window (5.2). */
const CLOCK_AHEAD_MS_MAX = 5_000;
/** After its not-after, a reservation is expired only when no honest holder can still be emitting under it. */
const EXPIRY_MARGIN_MS = 2_000;
/** Longest life of a reservation: the longest turn, with room. */
export const LIFE_MS_MAX = 600_000;
/** How long a closed reservation is remembered, so that a repeated command still gets its first answer. */
const MEMORY_MS = LIFE_MS_MAX;
/** The ledger tidies up once in this much of its own time: often enough to free a dead holder's tokens, seldom enough to cost nothing. */
const TIDY_MS = 1_000;

export type Outcome =
  | { readonly kind: 'granted'; readonly reservation: string; readonly amounts: Amounts; readonly notAfterMs: number }
  | {
      readonly kind: 'refused';
      readonly limit: string;
      readonly subject: string;
      readonly limitValue: number;
      readonly left: number;
      readonly refillsMs: number;
    }
  | { readonly kind: 'settled'; readonly charged: Amounts; readonly freed: Amounts; readonly overrun: Amounts }
  | { readonly kind: 'limit-set'; readonly previous: number | undefined }
  | { readonly kind: 'rejected'; readonly reason: 'unknown-reservation' | 'closed-reservation' | 'older-boot' | 'invalid' };

interface Reservation {
  readonly id: string;
  readonly holder: Holder;
  readonly idempotencyKey: string;
  /** Charges stay in the windows of admission. */
  readonly admittedMs: number;
  readonly notAfterMs: number;
  readonly extensions: Set<string>;
  held: Amounts;
  /** What the holder has reported: charged if it dies. */
  reported: Amounts;
  closed: { readonly atMs: number; readonly outcome: Outcome } | undefined;
}

interface Balance {
  readonly window: WindowName;
  charged: number;
  reserved: number;
}

export interface UsageLine extends BoundLimit {
  readonly charged: number;
  readonly reserved: number;
  readonly refillsMs: number;
}

/**
 * The ledger: a pure fold over the log, in the log's order. Invariant `no-overspend`: for every limit and window,
 * charged + reserved never exceeds the limit that was in force when something was granted.
 * Replicas that have folded the same entries are equal, whoever wrote them; time is the log's.
 */
export class Ledger {
  #limits: readonly Limit[];
  #timeMs = 0;
  readonly #balances = new Map<string, Balance>();
  readonly #open = new Map<string, Reservation>();
  /** In the order of closing. */
  readonly #closed = new Map<string, Reservation>();
  readonly #keys = new Map<string, string>();
  readonly #boots = new Map<string, number>();

  /** `limits` are the pack's; `set-limit` entries change them. */
  constructor(limits: readonly Limit[]) {
    this.#limits = limits;
  }

  /** Folds one entry. `position` is its place in the log, `streamMs` the log's timestamp of it. */
  apply({ replica, boot, atMs, command }: Authored, position: number, streamMs: number): Outcome {
    this.#advance(Math.min(streamMs, atMs + CLOCK_AHEAD_MS_MAX));
    if (boot < (this.#boots.get(replica) ?? 0)) return { kind: 'rejected', reason: 'older-boot' };
    this.#boots.set(replica, boot);
    return this.#decide(command, position);
  }

  #decide(command: Command, position: number): Outcome {
    switch (command.kind) {
      case 'reserve':
        return this.#reserve(command, position);
      case 'extend':
        return this.#withOpen(command.reservation, (held) => this.#extend(held, command));
      case 'settle':
        return this.#settle(command.reservation, command.spent);
      case 'release':
        return this.#settle(command.reservation, {});
      case 'set-limit': {
        const { limits, previous } = withLimit(this.#limits, command.limit);
        this.#limits = limits;
        return { kind: 'limit-set', previous };
      }
    }
  }

  #reserve(command: Extract<Command, { kind: 'reserve' }>, position: number): Outcome {
    const idempotencyKey = JSON.stringify([command.tenant, command.key]);
    const known = this.#find(this.#keys.get(idempotencyKey) ?? '');
    if (known) return granted(known);
    const holder = { tenant: command.tenant, user: command.user };
    const refusal = this.#refusal(holder, command.amounts, this.#timeMs);
    if (refusal) return refusal;
    const reservation: Reservation = {
      id: `r${position}`,
      holder,
      idempotencyKey,
      admittedMs: this.#timeMs,
      notAfterMs: this.#timeMs + Math.min(command.lifeMs, LIFE_MS_MAX),
      extensions: new Set(),
      held: command.amounts,
      reported: {},
      closed: undefined,
    };
    this.#open.set(reservation.id, reservation);
    this.#keys.set(idempotencyKey, reservation.id);
    this.#book(reservation, command.amounts, 'reserved', 1);
    return granted(reservation);
  }

  #extend(reservation: Reservation, { key, more, spent }: Extract<Command, { kind: 'extend' }>): Outcome {
    reservation.reported = atMost(atLeast(reservation.reported, spent), reservation.held);
    if (reservation.extensions.has(key)) return granted(reservation);
    const refusal = this.#refusal(reservation.holder, more, reservation.admittedMs);
    if (refusal) return refusal;
    reservation.extensions.add(key);
    reservation.held = plus(reservation.held, more);
    this.#book(reservation, more, 'reserved', 1);
    return granted(reservation);
  }

  /** Books what was spent and frees the rest. More than was held is charged up to what was held; the rest is `overrun`, for an alert. */
  #settle(id: string, spent: Amounts): Outcome {
    const reservation = this.#find(id);
    if (!reservation) return { kind: 'rejected', reason: 'unknown-reservation' };
    if (reservation.closed) return reservation.closed.outcome;
    return this.#close(reservation, spent);
  }

  #close(reservation: Reservation, spent: Amounts): Outcome {
    const charged = atMost(spent, reservation.held);
    const outcome: Outcome = {
      kind: 'settled',
      charged,
      freed: less(reservation.held, charged),
      overrun: less(spent, reservation.held),
    };
    this.#book(reservation, reservation.held, 'reserved', -1);
    this.#book(reservation, charged, 'charged', 1);
    reservation.closed = { atMs: this.#timeMs, outcome };
    this.#open.delete(reservation.id);
    this.#closed.set(reservation.id, reservation);
    return outcome;
  }

  #find(id: string): Reservation | undefined {
    return this.#open.get(id) ?? this.#closed.get(id);
  }

  #withOpen(id: string, act: (reservation: Reservation) => Outcome): Outcome {
    const reservation = this.#find(id);
    if (!reservation) return { kind: 'rejected', reason: 'unknown-reservation' };
    return reservation.closed ? { kind: 'rejected', reason: 'closed-reservation' } : act(reservation);
  }

  /** The first limit that the amounts would break, at the windows of `atMs`; undefined when all hold. */
  #refusal(holder: Holder, asked: Amounts, atMs: number): Outcome | undefined {
    for (const limit of limitsOf(this.#limits, holder)) {
      const wanted = asked[limit.unit] ?? 0;
      if (wanted === 0) continue;
      const { charged, reserved } = this.#balance(limit, atMs);
      if (charged + reserved + wanted <= limit.limit) continue;
      const left = Math.max(0, limit.limit - charged - reserved);
      return {
        kind: 'refused',
        limit: nameOf(limit),
        subject: limit.subject,
        limitValue: limit.limit,
        left,
        refillsMs: refillsMs(limit.window, atMs),
      };
    }
    return undefined;
  }

  /** Every counter is kept whether a limit is set on it today or not: a limit set later counts what was spent before. */
  #book({ holder, admittedMs }: Reservation, amounts: Amounts, side: 'charged' | 'reserved', sign: 1 | -1): void {
    for (const unit of UNITS) {
      const value = amounts[unit] ?? 0;
      if (value === 0) continue;
      for (const limit of limitsOf(everyCounter(unit), holder)) this.#balance(limit, admittedMs)[side] += sign * value;
    }
  }

  #balance(limit: BoundLimit, atMs: number): Balance {
    const key = balanceKey(limit, atMs);
    const known = this.#balances.get(key);
    if (known) return known;
    const fresh: Balance = { window: limit.window, charged: 0, reserved: 0 };
    this.#balances.set(key, fresh);
    return fresh;
  }

  /** The log's time never steps back. */
  #advance(toMs: number): void {
    if (toMs <= this.#timeMs) return;
    const tidyDue = Math.floor(toMs / TIDY_MS) > Math.floor(this.#timeMs / TIDY_MS);
    const minuteBegins = windowNumber('minute', toMs) > windowNumber('minute', this.#timeMs);
    this.#timeMs = toMs;
    if (tidyDue) this.#expire();
    if (minuteBegins) this.#sweep();
  }

  /** A reservation past its end is closed at what its holder has reported, and the rest is free again (5.5). */
  #expire(): void {
    for (const reservation of this.#open.values()) {
      if (this.#timeMs > reservation.notAfterMs + EXPIRY_MARGIN_MS) this.#close(reservation, reservation.reported);
    }
    for (const { id, closed, idempotencyKey } of this.#closed.values()) {
      if (!closed || this.#timeMs <= closed.atMs + MEMORY_MS) break;
      this.#closed.delete(id);
      this.#keys.delete(idempotencyKey);
    }
  }

  /** Drops counters of windows that no open reservation can still book into. */
  #sweep(): void {
    const oldestMs = this.#timeMs - LIFE_MS_MAX - EXPIRY_MARGIN_MS;
    for (const [key, { window }] of this.#balances) {
      if (Number(key.slice(0, key.indexOf(':'))) < windowNumber(window, oldestMs)) this.#balances.delete(key);
    }
  }

  /** What a holder's limits stand at, at the log's time or `nowMs`, whichever is later. */
  usage(holder: Holder, nowMs: number): readonly UsageLine[] {
    const atMs = Math.max(this.#timeMs, nowMs);
    return limitsOf(this.#limits, holder).map((limit) => {
      const { charged, reserved } = this.#balances.get(balanceKey(limit, atMs)) ?? { charged: 0, reserved: 0 };
      return { ...limit, charged, reserved, refillsMs: refillsMs(limit.window, atMs) };
    });
  }
}

function balanceKey({ window, account }: BoundLimit, atMs: number): string {
  return `${windowNumber(window, atMs)}:${account}`;
}

function granted({ id, held, notAfterMs }: Reservation): Outcome {
  return { kind: 'granted', reservation: id, amounts: held, notAfterMs };
}

const COUNTERS = new Map<UnitName, readonly Limit[]>(
  UNITS.map((unit) => [
    unit,
    (['fleet', 'tenant', 'user'] as const).flatMap((scope) =>
      (['minute', 'day'] as const).map((window) => ({ scope, subject: '', unit, window, limit: 0 })),
    ),
  ]),
);

function everyCounter(unit: UnitName): readonly Limit[] {
  return COUNTERS.get(unit) ?? [];
}
