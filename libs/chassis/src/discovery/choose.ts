import type { KnownInstance } from './directory.ts';

/** What a call asks of an instance. */
export interface Wish {
  /** Regions that may see the request's data; empty: any. */
  readonly regions: readonly string[];
  readonly avoid: ReadonlySet<string>;
  /** This process' own calls under way to each instance: newer than what the instance last reported. */
  readonly underWay: (instance: string) => number;
  /** What the instance's first answer is expected to take, in milliseconds; undefined where nothing is known. */
  readonly latencyMs: (instance: string) => number | undefined;
  /** It has failed too often lately. */
  readonly isEjected: (instance: string) => boolean;
  /** 0 to below 1. */
  readonly chance: () => number;
}

export type Choice =
  | { readonly kind: 'chosen'; readonly instance: KnownInstance }
  | { readonly kind: 'none' }
  /** Instances live, but in regions that may not see the data. */
  | { readonly kind: 'no-compliant-region' };

/** Differences below this are the network's. */
const LATENCY_MS_MIN = 1;

/**
 * The cheaper of two drawn by chance (power of two choices): nearly as even as the cheapest of all, and callers that decide at one
 * moment do not all run to the same. Ready instances come before ejected ones, those before the rest; those to be avoided not at all.
 */
export function choose(live: readonly KnownInstance[], wish: Wish): Choice {
  const compliant = live.filter(({ region }) => wish.regions.length === 0 || wish.regions.includes(region));
  if (compliant.length === 0) return live.length === 0 ? { kind: 'none' } : { kind: 'no-compliant-region' };
  const allowed = compliant.filter(({ instance }) => !wish.avoid.has(instance));
  const ready = allowed.filter((instance) => instance.ready);
  const sound = ready.filter(({ instance }) => !wish.isEjected(instance));
  // Where all are ejected the fault is likely not theirs: then all share the load as before.
  const candidates = [sound, ready, allowed].find((some) => some.length > 0) ?? [];
  const first = draw(candidates, wish);
  const second = draw(
    candidates.filter((candidate) => candidate !== first),
    wish,
  );
  if (!first) return { kind: 'none' };
  return { kind: 'chosen', instance: second && isCheaper(second, first, wish) ? second : first };
}

function draw(candidates: readonly KnownInstance[], { chance }: Wish): KnownInstance | undefined {
  return candidates[Math.floor(chance() * candidates.length)];
}

/** Expected time times the work that is before it. One of which nothing is known counts as being as fast as the other. */
function isCheaper(one: KnownInstance, other: KnownInstance, wish: Wish): boolean {
  const [ownMs, otherMs] = [wish.latencyMs(one.instance), wish.latencyMs(other.instance)];
  const fallbackMs = ownMs ?? otherMs ?? LATENCY_MS_MIN;
  const cost = (instance: KnownInstance, ms: number | undefined) =>
    Math.max(ms ?? fallbackMs, LATENCY_MS_MIN) * (load(instance, wish) + 1);
  return cost(one, ownMs) < cost(other, otherMs);
}

function load({ instance, inflight, queued }: KnownInstance, { underWay }: Wish): number {
  return Math.max(inflight + queued, underWay(instance));
}
