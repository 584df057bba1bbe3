import { describe, expect, it } from 'vitest';
import { type Candidate, obstacles, route, type RouteConditions } from './route.ts';

const CANDIDATES: readonly Candidate[] = [
  { model: 'base', role: 'primary' },
  { model: 'tiny', role: 'shadow' },
  { model: 'book', role: 'fallback' },
];
const fine: RouteConditions = { fallbacksOnly: false, substitutions: {}, unusable: () => undefined };
const models = (conditions: RouteConditions) => route('lite', CANDIDATES, conditions).map(({ model }) => model);

describe('the route of a tier', () => {
  it('asks the primary first and the fallback last, and never a shadow', () => {
    expect(models(fine)).toEqual(['base', 'book']);
  });

  it('asks the shadow in the place of a primary that the lock status substitutes', () => {
    const missing = {
      ...fine,
      substitutions: { base: 'tiny' },
      unusable: (model: string) => (model === 'base' ? 'is missing' : undefined),
    };
    expect(models(missing)).toEqual(['tiny', 'book']);
  });

  it('asks fallbacks alone in safe mode', () => {
    expect(models({ ...fine, fallbacksOnly: true })).toEqual(['book']);
  });

  it('says why a fallback was asked', () => {
    const [leg] = route('lite', CANDIDATES, { ...fine, unusable: (model) => (model === 'base' ? 'is missing' : undefined) });
    expect(leg?.because).toBe('fallback of tier lite; passed over: base is missing');
  });

  it('says why nobody can be asked', () => {
    expect(obstacles(CANDIDATES, { ...fine, unusable: () => 'is loading' })).toBe(
      'base is loading; tiny is a shadow that replaces nobody now; book is loading',
    );
  });
});

describe('a shadow that may stand in', () => {
  const good = { ...fine, shadowsStandIn: true, merit: () => 'good' as const };
  it('and was found good lately, is asked after the primary and before the fallback, and in safe mode not at all', () => {
    expect(models(good)).toEqual(['base', 'tiny', 'book']);
    expect(models({ ...good, fallbacksOnly: true })).toEqual(['book']);
  });

  it('but is bad, or was not measured lately, is not', () => {
    for (const merit of ['bad', 'unmeasured'] as const) expect(models({ ...good, merit: () => merit })).toEqual(['base', 'book']);
  });
});
