import { describe, expect, it } from 'vitest';
import { OneRate } from './onerate.ts';

/** A tenth of a second of a tone. */
const frame = (rateHz: number) => {
  const pcm = Int16Array.from({ length: rateHz / 10 }, (_, at) =>
    Math.round(8_000 * Math.sin((at * 2 * Math.PI * 440) / rateHz)),
  );
  return { rateHz, pcm: Buffer.from(pcm.buffer) };
};

describe('an answer whose second voice speaks at another rate', () => {
  it('has the rate of the first in all its frames, and lasts as long as it was spoken', async () => {
    const one = new OneRate();
    const spoken = [16_000, 16_000, 22_050, 22_050, 22_050, 16_000].map(frame);
    const heard = await Promise.all(spoken.map((each) => one.push(each)));
    one.close();
    expect(new Set(heard.map(({ rateHz }) => rateHz))).toEqual(new Set([16_000]));
    const seconds = heard.reduce((sum, { pcm }) => sum + pcm.length / 2 / 16_000, 0);
    expect(seconds).toBeCloseTo(0.6, 1);
    expect([heard[0], heard[1], heard[5]]).toEqual([spoken[0], spoken[1], spoken[5]]);
  });
});
