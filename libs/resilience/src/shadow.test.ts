import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lengthDisagreement, wordErrorRate } from './disagreement.ts';
import { type Comparison, SHADOW_POLICY, ShadowAllowance, ShadowRecord } from './shadow.ts';

const good: Comparison = { share: 0.5, disagreement: 0.1 };
const other: Comparison = { share: 0.5, disagreement: 0.9 };
const late: Comparison = { share: 1.5, disagreement: 0 };
const failed: Comparison = { share: undefined, disagreement: 1 };
const WINDOW_MS = SHADOW_POLICY.window_s * 1_000;

function recordOf(comparisons: readonly Comparison[], atMs = 0): ShadowRecord {
  const record = new ShadowRecord();
  for (const comparison of comparisons) record.add(comparison, atMs);
  return record;
}
const many = (count: number, comparison: Comparison) => Array.from({ length: count }, () => comparison);

describe('a shadow', () => {
  it('is unmeasured until there are enough comparisons, whatever they say', () => {
    for (const each of [good, other, late, failed])
      expect(recordOf(many(SHADOW_POLICY.samples_min - 1, each)).merit(SHADOW_POLICY, 0)).toBe('unmeasured');
  });

  it('is good when it agrees and is in time, bad when it does not, is late, or fails', () => {
    const merits = [good, other, late, failed].map((each) => recordOf(many(20, each)).merit(SHADOW_POLICY, 0));
    expect(merits).toEqual(['good', 'bad', 'bad', 'bad']);
  });

  it('is good by what was learned in the last minutes alone: nothing older is remembered for or against it', () => {
    const record = recordOf(many(50, other));
    expect(record.merit(SHADOW_POLICY, WINDOW_MS - 1)).toBe('bad');
    expect(record.merit(SHADOW_POLICY, WINDOW_MS)).toBe('unmeasured');
    for (const each of many(SHADOW_POLICY.samples_min, good)) record.add(each, WINDOW_MS);
    expect(record.merit(SHADOW_POLICY, WINDOW_MS)).toBe('good');
  });
});

describe('a shadow’s allowance', () => {
  it('is never more than the share of the requests, rounded up, at any moment', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 500 }), (share, requests) => {
        const allowance = new ShadowAllowance();
        let copies = 0;
        for (let request = 1; request <= requests; request += 1) {
          if (allowance.spend(share)) copies += 1;
          expect(copies).toBeLessThanOrEqual(share * request + 1e-6);
        }
        // What is beyond one copy is not saved up.
        expect(copies).toBeGreaterThanOrEqual(Math.floor(requests / Math.ceil(1 / Math.max(share, 1e-3))));
      }),
    );
  });
});

describe('disagreement', () => {
  it('counts words that are wrong, missing or too many, and forgives case and punctuation', () => {
    expect(wordErrorRate('Turn on the light.', 'turn on the light')).toBe(0);
    expect(wordErrorRate('turn on the light', 'turn on light')).toBe(0.25);
    expect(wordErrorRate('turn on the light', 'turn off the red light')).toBe(0.5);
    expect([wordErrorRate('', ''), wordErrorRate('', 'hm'), wordErrorRate('hm', 'a b c d')]).toEqual([0, 1, 1]);
  });

  it('is 0 for the same text and between 0 and 1 for any two', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, two) => {
        const rate = wordErrorRate(one, two);
        return wordErrorRate(one, one) === 0 && rate >= 0 && rate <= 1;
      }),
    );
    expect([lengthDisagreement(0, 0), lengthDisagreement(5, 10), lengthDisagreement(10, 5)]).toEqual([0, 0.5, 0.5]);
  });
});
