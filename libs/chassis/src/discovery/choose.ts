import type { KnownInstance } from './directory.ts';

/** What a call asks of an instance. */
export interface Wish {
  /** Regions that may see the request's data; empty: any. */
  readonly regions: readonly string[];
  readonly avoid: ReadonlySet<string>;
  /** This process' own calls under way to each instance: newer than what the instance last reported. */
  readonly underWay: (instance: string) => number;
  /** 0 to below 1. */
  readonly chance: () => number;
}

export type Choice =
  | { readonly kind: 'chosen'; readonly instance: KnownInstance }
  | { readonly kind: 'none' }
  /** Instances live, but in regions that may not see the data. */
  | { readonly kind: 'no-compliant-region' };

/**
 * The less loaded of two drawn by chance: nearly as even as the least loaded of all, and callers that decide at one moment do
 * not all run to the same. Ready instances come before others, those to be avoided not at all.
 */
export function choose(live: readonly KnownInstance[], wish: Wish): Choice {
  const compliant = live.filter(({ region }) => wish.regions.length === 0 || wish.regions.includes(region));
  if (compliant.length === 0) return live.length === 0 ? { kind: 'none' } : { kind: 'no-compliant-region' };
  const allowed = compliant.filter(({ instance }) => !wish.avoid.has(instance));
  const ready = allowed.filter((instance) => instance.ready);
  const candidates = ready.length > 0 ? ready : allowed;
  const first = draw(candidates, wish);
  const second = draw(
    candidates.filter((candidate) => candidate !== first),
    wish,
  );
  if (!first) return { kind: 'none' };
  return { kind: 'chosen', instance: second && load(second, wish) < load(first, wish) ? second : first };
}

function draw(candidates: readonly KnownInstance[], { chance }: Wish): KnownInstance | undefined {
  return candidates[Math.floor(chance() * candidates.length)];
}

function load({ instance, inflight, queued }: KnownInstance, { underWay }: Wish): number {
  return Math.max(inflight + queued, underWay(instance));
}
