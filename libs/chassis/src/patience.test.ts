import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { afterPatience } from './patience.ts';

const still = (ms: number) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

afterEach(() => void vi.useRealTimers());

describe('patience with an answer', () => {
  it('does not end while the own process stands still: an answer that lay there all the time is read first', async () => {
    const first = await new Promise<string>((resolve) => {
      afterPatience(50, () => resolve('silence'));
      void nextTurn().then(() => resolve('answer'));
      still(200);
    });
    expect(first).toBe('answer');
  });

  it('ends after its time where none comes, and not at all once it is called off', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const ends: string[] = [];
    afterPatience(50, () => ends.push('one'));
    const callOff = afterPatience(50, () => ends.push('two'));
    vi.advanceTimersByTime(49);
    expect(ends).toEqual([]);
    callOff();
    vi.advanceTimersByTime(1_000);
    expect(ends).toEqual(['one']);
  });
});
