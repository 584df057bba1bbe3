import type { Candidate } from './route.ts';

/** Whose candidates answer a tier. */
export interface BoundTier {
  /** The tier whose candidates answer: another one where the pack leaves this one unbound. */
  readonly servedAs: string;
  readonly candidates: readonly Candidate[];
}

interface TierOfPack {
  readonly candidates: readonly Candidate[];
  readonly served_by_tier?: string | undefined;
}

const ORDER: readonly Candidate['role'][] = ['primary', 'shadow', 'fallback'];

/** Who answers the tier of that name: its own candidates, or those of the tier that the pack names for it. Pure. */
export function servingTier(tiers: Readonly<Record<string, TierOfPack>>, name: string): BoundTier {
  const servedAs = tiers[name]?.served_by_tier ?? name;
  return { servedAs, candidates: (tiers[servedAs] ?? tiers[name])?.candidates ?? [] };
}

/** Candidates that a pack keeps without an order, in the order in which they are asked. Pure. */
export function primaryFirst<T extends Candidate>(candidates: readonly T[]): readonly T[] {
  return candidates.toSorted((one, other) => ORDER.indexOf(one.role) - ORDER.indexOf(other.role));
}
