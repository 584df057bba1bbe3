import { SaidFrom } from '@smartlite/contracts';
import { describe, expect, it } from 'vitest';
import { saidFrom } from './said.ts';

/** After how many words the answer counts as said; 0: not before its end. */
function wordsUntil(from: SaidFrom, text: string): number {
  const said = saidFrom(from);
  const words = text.match(/\s*\S+/g) ?? [];
  return words.findIndex((word) => said({ kind: { $case: 'chunk', value: { text: word, tokens: 1 } } })) + 1;
}

describe('an answer counts as said', () => {
  it('from its first token, where the caller does not say otherwise', () => {
    expect(wordsUntil(SaidFrom.SAID_FROM_UNSPECIFIED, 'I am here.')).toBe(1);
  });

  it('from the first word after its first sentence: only then has that sentence certainly ended', () => {
    expect(wordsUntil(SaidFrom.SAID_FROM_FIRST_SENTENCE, 'It is 3.5 miles. Shall I go on?')).toBe(5);
    expect(wordsUntil(SaidFrom.SAID_FROM_FIRST_SENTENCE, 'It is three miles.')).toBe(0);
  });

  it('after the length of a sentence, where none ends', () => {
    expect(wordsUntil(SaidFrom.SAID_FROM_FIRST_SENTENCE, 'word '.repeat(200))).toBe(49);
  });

  it('from its end, where nobody hears it before', () => {
    const said = saidFrom(SaidFrom.SAID_FROM_END);
    expect(said({ kind: { $case: 'chunk', value: { text: 'One. Two. ', tokens: 4 } } })).toBe(false);
    const done = { promptTokens: 1, answerTokens: 4, finishReason: 'stop', servedBy: undefined, tool: '', timers: [] };
    expect(said({ kind: { $case: 'done', value: done } })).toBe(true);
  });
});
