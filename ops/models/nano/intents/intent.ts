import type { Chance } from '../random.ts';

/** What fills a pattern's slots, and the answer that is right for them. */
export interface Filling {
  readonly slots: Readonly<Record<string, string>>;
  readonly answer: string;
}

/**
 * One thing the assistant is asked for. A pattern that starts with `!` is a request ("turn it on"), with `?` a question; the mark
 * decides which polite openers may stand before it. Patterns are lower case, in the form that `normalise` reads.
 */
export interface Intent {
  readonly name: string;
  /** How often it is drawn, relative to the others. */
  readonly weight: number;
  readonly patterns: readonly string[];
  fill(chance: Chance): Filling;
}

/** An intent whose answer never changes. */
export function fixed(name: string, answer: string, patterns: readonly string[], weight = 1): Intent {
  return { name, weight, patterns, fill: () => ({ slots: {}, answer }) };
}
