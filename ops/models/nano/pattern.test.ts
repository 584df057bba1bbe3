import { describe, expect, it } from 'vitest';
import { expand, patternWords } from './pattern.ts';
import { seededChance } from './random.ts';

const all = (pattern: string, slots = {}): Set<string> => {
  const chance = seededChance(1);
  return new Set(Array.from({ length: 200 }, () => expand(pattern, slots, chance)));
};

describe('a pattern', () => {
  it('gives every wording that it stands for, and no other', () => {
    expect(all('set (a|the [egg]) timer for {n}', { n: '5' })).toEqual(
      new Set(['set a timer for 5', 'set the timer for 5', 'set the egg timer for 5']),
    );
  });

  it('names itself when a slot is missing or a bracket is left open', () => {
    expect(() => expand('timer for {n}', {}, seededChance(1))).toThrow('pattern "timer for {n}": no slot "n"');
    expect(() => expand('(a|b', {}, seededChance(1))).toThrow('pattern "(a|b": missing ")"');
    expect(() => expand('a)', {}, seededChance(1))).toThrow('unexpected ")"');
  });

  it('tells its own words apart from what fills its slots', () => {
    expect(patternWords('!(turn|switch) on [the] {device}')).toEqual(['turn', 'switch', 'on', 'the']);
  });
});

describe('chance with a seed', () => {
  it('repeats itself for the same seed and differs for another', () => {
    const draw = (seed: number): number[] => {
      const chance = seededChance(seed);
      return Array.from({ length: 5 }, () => chance.real());
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });
});
