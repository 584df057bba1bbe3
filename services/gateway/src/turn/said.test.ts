import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Said } from './said.ts';

function said(...sentences: readonly (readonly [text: string, ms: number])[]): Said {
  const all = new Said();
  for (const [text, ms] of sentences) {
    all.sentence(text);
    all.sound(ms);
  }
  return all;
}

describe('what somebody has heard of an answer', () => {
  it('is the sentences that are over, and the words of the one that was cut that are', () => {
    const all = said(['It is three.', 1_000], ['Shall I go on?', 1_400]);
    all.end();
    const heard = [0, 500, 1_000, 1_800, 2_399, 2_400, 9_000].map((ms) => all.heard(ms));
    expect(heard).toEqual([
      '',
      'It is',
      'It is three.',
      'It is three. Shall I',
      'It is three. Shall I go',
      'It is three. Shall I go on?',
      'It is three. Shall I go on?',
    ]);
    expect(all.ms).toBe(2_400);
  });

  it('is judged by a usual pace where the sentence was cut before its end was made', () => {
    expect(said(['Shall I go on and tell you more?', 300]).heard(300)).toBe('');
    expect(said(['Shall I go on and tell you more?', 900]).heard(900)).toBe('Shall I go on');
  });

  it('never shrinks with time, and is never more than what was said', () => {
    const sentence = fc.tuple(fc.stringMatching(/^[a-z]{1,6}( [a-z]{1,6}){0,5}$/), fc.integer({ min: 1, max: 3_000 }));
    fc.assert(
      fc.property(fc.array(sentence, { maxLength: 5 }), fc.nat(9_000), fc.nat(9_000), (sentences, one, more) => {
        const all = said(...sentences);
        const text = sentences.map(([each]) => each).join(' ');
        const [first, later] = [all.heard(one), all.heard(one + more)];
        expect(text.startsWith(later) && later.startsWith(first)).toBe(true);
      }),
    );
  });
});
