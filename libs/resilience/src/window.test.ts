import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BREACHES_MIN, FAILURES_MIN, LatencyWindow, type Sample, SAMPLES_MIN, WINDOW_MS } from './window.ts';

const answered = (share: number): Sample => ({ kind: 'answered', share });
const windowOf = (samples: readonly Sample[], atMs = 0) => {
  const window = new LatencyWindow();
  for (const sample of samples) window.add(sample, atMs);
  return window;
};
const many = (count: number, sample: Sample) => Array.from({ length: count }, () => sample);

describe('a window of answers within what is allowed', () => {
  it('never shows a breach, however many there are and in whatever order', () => {
    const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 200 });
    fc.assert(fc.property(shares, (all) => windowOf(all.map(answered)).breach(0) === undefined));
  });

  it('shows none for one slow answer of any size, which may be chance', () => {
    const sizes = fc.integer({ min: 0, max: 300 });
    fc.assert(fc.property(sizes, (size) => windowOf([...many(size, answered(0.5)), answered(9)]).breach(0) === undefined));
  });
});

describe('a window of slow answers', () => {
  it('shows no breach before there are enough of them to speak of a hundredth', () => {
    const slow = fc.array(fc.double({ min: 1.01, max: 50, noNaN: true }), { maxLength: SAMPLES_MIN - 1 });
    fc.assert(fc.property(slow, (shares) => windowOf(shares.map(answered)).breach(0) === undefined));
  });

  it('shows that P99 is beyond what is allowed, whatever the order', () => {
    const mixed = fc.shuffledSubarray([...many(60, answered(0.4)), ...many(BREACHES_MIN, answered(1.5))], { minLength: 63 });
    fc.assert(fc.property(mixed, (samples) => windowOf(samples).breach(0)?.cause === 'slow'));
  });

  it('shows none while 99 of 100 keep to it', () => {
    expect(windowOf([...many(990, answered(1)), ...many(10, answered(5))]).breach(0)).toBeUndefined();
    expect(windowOf([...many(989, answered(1)), ...many(11, answered(5))]).breach(0)).toMatchObject({ cause: 'slow' });
  });

  it('forgets them after its time, and when it is cleared', () => {
    const window = windowOf(many(SAMPLES_MIN, answered(2)));
    expect(window.breach(WINDOW_MS - 1)).toMatchObject({ cause: 'slow' });
    expect(window.breach(WINDOW_MS)).toBeUndefined();
    window.clear();
    expect([window.breach(0), window.p99(0)]).toEqual([undefined, undefined]);
  });
});

describe('a window of failures', () => {
  it('shows a model that fails, and one that is silent', () => {
    expect(windowOf(many(FAILURES_MIN, { kind: 'failed' })).breach(0)).toMatchObject({ cause: 'failing' });
    expect(windowOf(many(FAILURES_MIN, { kind: 'silent' })).breach(0)).toMatchObject({ cause: 'silent' });
  });

  it('shows no breach while they are few, or few among many answers', () => {
    expect(windowOf(many(FAILURES_MIN - 1, { kind: 'failed' })).breach(0)).toBeUndefined();
    expect(windowOf([...many(FAILURES_MIN, { kind: 'failed' } as const), ...many(20, answered(0.2))]).breach(0)).toBeUndefined();
  });
});
