import { MeshError } from '@smartlite/contracts';
import { describe, expect, it } from 'vitest';
import { firstThatAnswers } from './fallback.ts';

async function* says(...words: (string | Error)[]) {
  for (const word of words) {
    if (word instanceof Error) throw word;
    yield word;
  }
}
const hear = async (...legs: (string | Error)[][]) => {
  const heard: string[] = [];
  for await (const word of firstThatAnswers(legs, (leg) => says(...leg))) heard.push(word);
  return heard;
};
const gone = new MeshError('unavailable', 'gone');

describe('the first that answers', () => {
  it('is the only one heard', async () => {
    expect(await hear(['a', 'b'], ['c'])).toEqual(['a', 'b']);
  });

  it('is the next one when the first fails before its first word', async () => {
    expect(await hear([gone], [new TypeError('broken')], ['c'])).toEqual(['c']);
  });

  it('is not replaced once it has begun', async () => {
    await expect(hear(['a', gone], ['c'])).rejects.toBe(gone);
  });

  it('is not looked for when the caller is to blame', async () => {
    const bad = new MeshError('invalid-argument', 'bad');
    await expect(hear([bad], ['c'])).rejects.toBe(bad);
  });

  it('is missed with the last failure, or as unavailable when there was nobody', async () => {
    await expect(hear([new MeshError('overloaded', 'full')], [gone])).rejects.toBe(gone);
    await expect(hear()).rejects.toMatchObject({ code: 'unavailable' });
  });
});
