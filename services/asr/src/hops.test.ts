import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HOP, nextLength } from './hops.ts';

describe('the next length to decode', () => {
  it('is one hop more, as soon as that much has been heard', () => {
    expect(nextLength(0, HOP - 1)).toBeUndefined();
    expect(nextLength(0, HOP)).toBe(HOP);
    expect(nextLength(HOP, 2 * HOP)).toBe(2 * HOP);
    expect(nextLength(2 * HOP, 2.9 * HOP)).toBeUndefined();
  });

  it('skips ahead after a burst of audio, and still leaves two different lengths to agree', () => {
    expect(nextLength(0, 9 * HOP)).toBe(8 * HOP);
    expect(nextLength(8 * HOP, 9 * HOP)).toBe(9 * HOP);
  });

  it('always grows and is never more than what was heard', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(2_000_000), (hops, available) => {
        const next = nextLength(hops * HOP, available);
        if (next === undefined) return;
        expect(next).toBeGreaterThan(hops * HOP);
        expect(next).toBeLessThanOrEqual(available);
      }),
    );
  });
});
