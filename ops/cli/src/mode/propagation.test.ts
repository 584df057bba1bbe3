import { describe, expect, it } from 'vitest';
import { describePropagation, propagationOf } from './propagation.ts';

const row = (id: string, delayMs: number | null, applied = true) => ({ id, applied, delayMs });
const ROWS = [row('asr-1', 3), row('llm-1', 4), row('tts-1', 80), row('budget-1', null), row('tts-2', null, false)];

describe('how a decision has spread', () => {
  it('is a histogram of the delays that are known, with median, slowest, and who is late', () => {
    const spread = propagationOf(ROWS);
    expect(spread).toMatchObject({ instances: 5, applied: 4, laggards: ['tts-2'], medianMs: 4, maxMs: 80 });
    expect(spread.histogram.filter(({ count }) => count > 0)).toEqual([
      { leMs: 5, count: 2 },
      { leMs: 100, count: 1 },
    ]);
  });

  it('counts beyond the last bound, too', () => {
    expect(propagationOf([row('a', 60_000)]).histogram.at(-1)).toEqual({ leMs: null, count: 1 });
  });

  it('is told to people with the laggards by name', () => {
    const text = describePropagation(propagationOf(ROWS)).join('\n');
    expect(text).toContain('applied by 4 of 5 in 4.0 ms (median), 80.0 ms (slowest)');
    expect(text).toContain('NOT APPLIED by tts-2');
  });

  it('says nothing of times that nobody knows', () => {
    expect(describePropagation(propagationOf([row('a', null)]))).toEqual(['decision applied by 1 of 1']);
    expect(describePropagation(propagationOf([]))).toEqual([]);
  });
});
