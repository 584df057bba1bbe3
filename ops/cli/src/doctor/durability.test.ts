import { describe, expect, it } from 'vitest';
import { checkDurability, statedDurability } from './durability.ts';

describe('the bus’ durability [0.3]', () => {
  it('is `process` unless somebody states that every node syncs: no server says so itself', () => {
    expect(statedDurability(undefined)).toBe('process');
    expect(checkDurability('2.9.10', undefined)).toMatchObject({
      outcome: 'ok',
      found: expect.stringMatching(/^process/) as string,
    });
  });

  it('is `disk` where that is stated of a server that can', () => {
    expect(checkDurability('2.10.23', 'disk')).toMatchObject({ outcome: 'ok', found: expect.stringMatching(/^disk/) as string });
  });

  it('is a fault where it is stated of a server that cannot', () => {
    expect(checkDurability('2.9.10', 'disk')).toMatchObject({
      outcome: 'fault',
      remedy: expect.stringContaining('2.10') as string,
    });
  });

  it('is refused, with what may be said, where it is neither', () => {
    expect(() => statedDurability('always')).toThrow('SMARTLITE_NATS_DURABILITY is always');
  });
});
