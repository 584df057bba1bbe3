/** A seeded source of chance, so that a corpus can be made again byte for byte. */
export interface Chance {
  /** A real number in [0, 1). */
  real(): number;
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  pick<T>(items: readonly T[]): T;
  /** True with the given probability. */
  happens(probability: number): boolean;
}

/** Mulberry32: 32 bits of state are plenty for a corpus, and it is the same on every machine. */
export function seededChance(seed: number): Chance {
  let state = seed >>> 0;
  const real = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const between = (low: number, high: number): number => low + Math.floor(real() * (high - low + 1));
  return {
    real,
    between,
    happens: (probability) => real() < probability,
    pick<T>(items: readonly T[]): T {
      const item = items[between(0, items.length - 1)];
      if (item === undefined) throw new RangeError('cannot pick from an empty list');
      return item;
    },
  };
}
