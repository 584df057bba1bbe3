import { describe, expect, it } from 'vitest';
import { primaryFirst, servingTier } from './tiers.ts';

const mind = { model: 'mind', role: 'primary' } as const;
const book = { model: 'book', role: 'fallback' } as const;

describe('a tier', () => {
  it('is answered by its own candidates', () => {
    expect(servingTier({ lite: { candidates: [book] }, full: { candidates: [mind] } }, 'full')).toEqual({
      servedAs: 'full',
      candidates: [mind],
    });
  });

  it('is answered by the tier that the pack names for it, even where it has candidates', () => {
    const tiers = { full: { candidates: [mind] }, best: { candidates: [book], served_by_tier: 'full' } };
    expect(servingTier(tiers, 'best')).toEqual({ servedAs: 'full', candidates: [mind] });
  });
});

describe('candidates without an order', () => {
  it('are asked primary first, then shadows, then fallbacks; those of a role as they stand', () => {
    const shadow = { model: 'shadow', role: 'shadow' } as const;
    const last = { model: 'last', role: 'fallback' } as const;
    expect(primaryFirst([book, last, shadow, mind])).toEqual([mind, shadow, book, last]);
  });
});
