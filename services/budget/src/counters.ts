import { type Amounts, UNITS, type UnitName } from './amounts.ts';
import {
  accountOf,
  type BoundLimit,
  type Holder,
  SCOPES,
  subjectOf,
  WINDOW_NAMES,
  type WindowName,
  windowNumber,
} from './limits.ts';

export interface Balance {
  readonly charged: number;
  readonly reserved: number;
  /** Used beyond what could be charged: it takes nothing from the limit, and is told apart. */
  readonly overrun: number;
}

export interface Counter {
  readonly window: WindowName;
  charged: number;
  reserved: number;
  overrun: number;
}

export type CountersDump = readonly (readonly [string, Counter])[];

const NOTHING: Balance = { charged: 0, reserved: 0, overrun: 0 };

/**
 * What is charged and reserved, for every scope, unit and window. Every counter is kept whether a limit is set on it today or not: a
 * limit set later counts what was spent before.
 */
export class Counters {
  readonly #counters: Map<string, Counter>;

  constructor(dump: CountersDump = []) {
    this.#counters = new Map(dump);
  }

  dump(): CountersDump {
    return [...this.#counters];
  }

  /** What stands in a limit's account in the window that holds `atMs`. */
  standing(limit: Pick<BoundLimit, 'account' | 'window'>, atMs: number): Balance {
    return this.#counters.get(keyOf(limit.account, limit.window, atMs)) ?? NOTHING;
  }

  /** Whether every sum stays a safe integer when this much more is held: sums that are not exact prove nothing. */
  bears(holder: Holder, amounts: Amounts, atMs: number): boolean {
    return accountsOf(holder, amounts).every(({ account, window, value }) => {
      const { charged, reserved } = this.standing({ account, window }, atMs);
      return charged + reserved + value <= Number.MAX_SAFE_INTEGER;
    });
  }

  book(holder: Holder, amounts: Amounts, atMs: number, side: keyof Balance, sign: 1 | -1): void {
    for (const { account, window, value } of accountsOf(holder, amounts)) {
      const key = keyOf(account, window, atMs);
      let counter = this.#counters.get(key);
      if (!counter) this.#counters.set(key, (counter = { window, charged: 0, reserved: 0, overrun: 0 }));
      // What exceeds all counting is only ever an overrun, which limits nothing.
      counter[side] = Math.min(Number.MAX_SAFE_INTEGER, counter[side] + sign * value);
    }
  }

  /** Drops the windows that ended before the one that holds `oldestMs`. */
  sweep(oldestMs: number): void {
    for (const [key, { window }] of this.#counters) {
      if (Number(key.slice(0, key.indexOf(':'))) < windowNumber(window, oldestMs)) this.#counters.delete(key);
    }
  }
}

function accountsOf(holder: Holder, amounts: Amounts) {
  const accounts: { readonly account: string; readonly window: WindowName; readonly value: number }[] = [];
  for (const unit of UNITS) {
    const value = amounts[unit] ?? 0;
    if (value > 0) for (const { account, window } of accountsOfUnit(holder, unit)) accounts.push({ account, window, value });
  }
  return accounts;
}

function accountsOfUnit(holder: Holder, unit: UnitName) {
  return SCOPES.flatMap((scope) =>
    WINDOW_NAMES.map((window) => ({ window, account: accountOf(scope, subjectOf(scope, holder) ?? '', unit, window) })),
  );
}

function keyOf(account: string, window: WindowName, atMs: number): string {
  return `${windowNumber(window, atMs)}:${account}`;
}
