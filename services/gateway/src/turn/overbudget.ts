import { type LimitReached, MeshError } from '@smartlite/contracts';

/** Sooner than this nobody is asked to come again, though the limit refills at once. */
const RETRY_AFTER_MS_MIN = 1_000;

/** What a caller without budget is told: which limit, what is left of it, and when it refills. */
export function overBudget({ limit, limitValue, left, refillsUnixMs }: LimitReached, nowMs: number): MeshError {
  const refills = new Date(Number(refillsUnixMs)).toISOString();
  const facts = { limit, limit_value: String(limitValue), left: String(left), refills };
  const message = `the limit ${limit} of ${limitValue} is reached, ${left} are left; it refills at ${refills}`;
  return new MeshError('over-budget', message, {
    facts,
    retryAfterMs: Math.max(RETRY_AFTER_MS_MIN, Number(refillsUnixMs) - nowMs),
  });
}

/** How much the limit that refused would still have granted; undefined for another failure. */
export function roomIn(caught: unknown): number | undefined {
  return caught instanceof MeshError && caught.code === 'over-budget' ? Number(caught.facts['left'] ?? 0) : undefined;
}
