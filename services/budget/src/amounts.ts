/** What the ledger counts. Audio is counted in milliseconds, so that nothing is lost by rounding. */
export const UNITS = ['requests', 'llm_tokens', 'asr_ms', 'tts_characters'] as const;
export type UnitName = (typeof UNITS)[number];

/** Whole, never negative, below 2^53. A unit that is absent is zero. */
export type Amounts = Readonly<Partial<Record<UnitName, number>>>;

/** Adds unit by unit. A sum that is no safe integer is a broken invariant and ends the process. */
export function plus(a: Amounts, b: Amounts): Amounts {
  return combine(a, b, (x, y) => x + y);
}

/** Subtracts unit by unit, never below zero. */
export function less(a: Amounts, b: Amounts): Amounts {
  return combine(a, b, (x, y) => Math.max(0, x - y));
}

/** The smaller of both, unit by unit. */
export function atMost(a: Amounts, cap: Amounts): Amounts {
  return combine(a, cap, Math.min);
}

/** The larger of both, unit by unit. */
export function atLeast(a: Amounts, floor: Amounts): Amounts {
  return combine(a, floor, Math.max);
}

function combine(a: Amounts, b: Amounts, by: (x: number, y: number) => number): Amounts {
  const out: Partial<Record<UnitName, number>> = {};
  for (const unit of UNITS) {
    const value = by(a[unit] ?? 0, b[unit] ?? 0);
    if (!Number.isSafeInteger(value)) throw new RangeError(`${unit}: ${value} is not a safe integer`);
    if (value !== 0) out[unit] = value;
  }
  return out;
}
