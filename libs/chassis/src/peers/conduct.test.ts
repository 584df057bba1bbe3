import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Conduct, EJECT_FIRST_MS, EJECT_MOST_MS, FAILURES_MAX } from './conduct.ts';

const METHOD = '/Llm/Generate';

describe('an instance that fails several times in a row', () => {
  const ejected = () => {
    const conduct = new Conduct();
    for (let failure = 0; failure < FAILURES_MAX; failure += 1) conduct.failed('a', 0);
    return conduct;
  };

  it('is left out for a while, and others are not', () => {
    const conduct = ejected();
    expect([conduct.isEjected('a', EJECT_FIRST_MS - 1), conduct.isEjected('b', 0)]).toEqual([true, false]);
    expect(conduct.isEjected('a', EJECT_FIRST_MS)).toBe(false);
  });

  it('is not left out for single failures between good answers', () => {
    const conduct = new Conduct();
    for (let round = 0; round < 20; round += 1) {
      for (let failure = 1; failure < FAILURES_MAX; failure += 1) conduct.failed('a', round);
      conduct.answered('a', METHOD, 5, round);
      expect(conduct.isEjected('a', round)).toBe(false);
    }
  });

  it('is forgotten with everything about it when it is gone', () => {
    const conduct = ejected();
    conduct.answered('b', METHOD, 5, 0);
    conduct.keepOnly(new Set(['b']));
    expect([conduct.isEjected('a', 0), conduct.latencyMs('b', METHOD, 0)]).toEqual([false, 5]);
  });
});

describe('an instance at the edge, sometimes good and sometimes failing', () => {
  it('is left out ever longer while it goes on so: it never goes to and fro faster than the first wait', () => {
    const step = fc.record({ good: fc.boolean(), waitMs: fc.integer({ min: 1, max: 4_000 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const conduct = new Conduct();
        let nowMs = 0;
        let [wasOut, outSinceMs] = [false, Number.NEGATIVE_INFINITY];
        for (const { good, waitMs } of steps) {
          nowMs += waitMs;
          const isOut = conduct.isEjected('a', nowMs);
          // Nobody calls one that is left out.
          if (!isOut && good) conduct.answered('a', METHOD, 5, nowMs);
          if (!isOut && !good) conduct.failed('a', nowMs);
          const nowOut = conduct.isEjected('a', nowMs);
          if (nowOut && !wasOut) {
            expect(nowMs - outSinceMs).toBeGreaterThanOrEqual(EJECT_FIRST_MS);
            outSinceMs = nowMs;
          }
          wasOut = nowOut;
        }
        expect(conduct.isEjected('a', nowMs + EJECT_MOST_MS)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the expected latency', () => {
  it('jumps with one slow answer and sinks with time and good ones, each method by itself', () => {
    const conduct = new Conduct();
    conduct.answered('a', METHOD, 100, 0);
    conduct.answered('a', METHOD, 3_000, 1);
    expect(conduct.latencyMs('a', METHOD, 1)).toBe(3_000);
    expect(conduct.latencyMs('a', METHOD, 40_000)).toBeLessThan(100);
    expect(conduct.latencyMs('a', '/Llm/CountTokens', 1)).toBeUndefined();
  });

  it('is never below the latest answer, nor above the worst', () => {
    const answers = fc.array(fc.record({ ms: fc.nat(10_000), waitMs: fc.nat(20_000) }), { minLength: 1 });
    fc.assert(
      fc.property(answers, (all) => {
        const conduct = new Conduct();
        let nowMs = 0;
        let worst = 0;
        for (const { ms, waitMs } of all) {
          nowMs += waitMs;
          worst = Math.max(worst, ms);
          conduct.answered('a', METHOD, ms, nowMs);
          const expected = conduct.latencyMs('a', METHOD, nowMs) ?? Number.NaN;
          expect(expected).toBeGreaterThanOrEqual(ms);
          expect(expected).toBeLessThanOrEqual(worst + 1e-6);
        }
      }),
    );
  });
});
