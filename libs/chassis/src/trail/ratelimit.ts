import type { Clock } from '../clock.ts';

export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** Refusals that have an entry each, at once and per second after that; the others are counted: a caller that hammers must not fill the trail. */
export const REFUSALS_RECORDED: Rate = { burst: 20, perSecond: 2 };

/** Whether one more may pass; `suppressed` counts those that did not since the last that did. */
export type RateLimit = () => { readonly allowed: boolean; readonly suppressed: number };

/** A bucket of `burst` that refills with `perSecond`. */
export function rateLimit(clock: Clock, { burst, perSecond }: Rate): RateLimit {
  let left = burst;
  let filledAtMs = clock.monotonicMs();
  let suppressed = 0;
  return () => {
    const nowMs = clock.monotonicMs();
    left = Math.min(burst, left + ((nowMs - filledAtMs) / 1_000) * perSecond);
    filledAtMs = nowMs;
    if (left < 1) {
      suppressed += 1;
      return { allowed: false, suppressed };
    }
    left -= 1;
    const since = suppressed;
    suppressed = 0;
    return { allowed: true, suppressed: since };
  };
}
