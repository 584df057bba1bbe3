import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AdaptiveLimit, LIMIT_LEAST, LIMIT_MOST } from './limit.ts';

describe('a limit of calls', () => {
  it('shrinks when work is refused below, once for one moment', () => {
    const limit = new AdaptiveLimit(100);
    for (let refused = 0; refused < 50; refused += 1) limit.overloaded(0);
    expect(limit.value).toBe(90);
    limit.overloaded(1_000);
    expect(limit.value).toBe(81);
  });

  it('grows again while it is used and all goes well, and not while it is not', () => {
    const limit = new AdaptiveLimit(100);
    limit.overloaded(0);
    for (let call = 0; call < 100; call += 1) limit.wentWell(1);
    expect(limit.value).toBe(90);
    for (let call = 0; call < 100; call += 1) limit.wentWell(limit.value);
    expect(limit.value).toBe(100);
  });

  it('comes back to what can be done after an overload, and lets some in throughout', () => {
    const limit = new AdaptiveLimit(100);
    // What is below takes 20 at once, and refuses what is more.
    const values: number[] = [];
    for (let second = 0; second < 300; second += 1) {
      for (let call = 0; call < 10; call += 1) limit.wentWell(Math.min(limit.value, 20));
      if (limit.value > 20) limit.overloaded(second * 1_000);
      values.push(limit.value);
    }
    expect(Math.min(...values)).toBeGreaterThanOrEqual(LIMIT_LEAST);
    expect(Math.max(...values.slice(100))).toBeLessThanOrEqual(64);
  });

  it('keeps its bounds through any history', () => {
    const step = fc.oneof(
      fc.nat(1_000).map((inflight) => ({ inflight })),
      fc.nat(5_000).map((waitMs) => ({ waitMs })),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 500 }), (steps) => {
        const limit = new AdaptiveLimit();
        let nowMs = 0;
        for (const each of steps) {
          if ('inflight' in each) limit.wentWell(each.inflight);
          else limit.overloaded((nowMs += each.waitMs));
          expect(limit.value).toBeGreaterThanOrEqual(LIMIT_LEAST);
          expect(limit.value).toBeLessThanOrEqual(LIMIT_MOST);
        }
      }),
    );
  });
});
