import { describe, expect, it } from 'vitest';
import { type AnswerPiece, type Asking, chatAnswer, CLOSING } from './answer.ts';
import type { LlmPiece, LlmWork } from './engine.ts';

/** An engine whose token is a word. */
const wordsOf = (text: string): readonly string[] => text.match(/\s*\S+/g) ?? [];
function speaking(text: string, end: 'stop' | 'too-long' = 'stop'): Asking['run'] {
  return async function* run(work: LlmWork): AsyncIterable<LlmPiece> {
    if (work.kind === 'count-text') return yield { kind: 'count', tokens: wordsOf(work.text).length };
    if (work.kind !== 'generate') return;
    if (end === 'too-long') return yield { kind: 'end', reason: 'too-long' };
    yield { kind: 'prompt', tokens: 9 };
    const words = wordsOf(text);
    for (const word of words.slice(0, work.maxTokens)) yield { kind: 'token', text: word, tokens: 1, logProb: -0.1 };
    yield { kind: 'end', reason: words.length > work.maxTokens ? 'length' : 'stop' };
  };
}
const asking = (run: Asking['run'], maxTokens = 50): Asking => ({
  run,
  messages: [{ role: 'user', content: 'hi' }],
  maxTokens,
  temperature: 0,
  seed: 1,
  timers: [],
});
async function hear(given: Asking) {
  const pieces: AnswerPiece[] = [];
  for await (const piece of chatAnswer(given)) pieces.push(piece);
  const texts = pieces.filter((piece) => piece.kind === 'text');
  return {
    text: texts.map((piece) => piece.text).join(''),
    tokens: texts.reduce((sum, piece) => sum + piece.tokens, 0),
    done: pieces.find((piece) => piece.kind === 'done'),
    count: texts.length,
  };
}

const LONG = Array.from({ length: 100 }, (_, index) => `word${index}`).join(' ');

describe('an answer within its budget', () => {
  it('comes token by token, and costs the tokens that were streamed', async () => {
    const { text, tokens, count, done } = await hear(asking(speaking('I am fine.')));
    expect({ text, tokens, count }).toEqual({ text: 'I am fine.', tokens: 3, count: 3 });
    expect(done).toMatchObject({ reason: 'stop', promptTokens: 9, answerTokens: 3 });
  });
});

describe('an answer whose model says at the end what it cost', () => {
  /** Streams three tokens, and says this. */
  const billing = (answerTokens: number): Asking['run'] =>
    async function* run(work) {
      if (work.kind === 'count-text') return yield { kind: 'count', tokens: 5 };
      yield { kind: 'prompt', tokens: 9 };
      yield { kind: 'token', text: 'I am fine.', tokens: 3, logProb: null };
      yield { kind: 'end', reason: 'stop', usage: { promptTokens: 14, answerTokens } };
    };

  it('costs that, and every token is streamed for whoever adds them up', async () => {
    const { text, tokens, done } = await hear(asking(billing(8)));
    expect({ text, tokens }).toEqual({ text: 'I am fine.', tokens: 8 });
    expect(done).toMatchObject({ promptTokens: 14, answerTokens: 8 });
  });

  it('costs no more than the budget, and no less than what was streamed', async () => {
    expect(await hear(asking(billing(1_000), 20))).toMatchObject({ tokens: 15, done: { answerTokens: 15 } });
    expect(await hear(asking(billing(1)))).toMatchObject({ tokens: 3, done: { answerTokens: 3 } });
  });
});

describe('an answer that its budget ends', () => {
  it('ends with a proper last sentence, and costs exactly the budget', async () => {
    const { text, tokens, done } = await hear(asking(speaking(LONG), 20));
    expect(text.endsWith(CLOSING)).toBe(true);
    expect(tokens).toBe(20);
    expect(done).toMatchObject({ reason: 'length', answerTokens: 20 });
  });

  it('never costs more than the budget, however small that is', async () => {
    for (let budget = 1; budget <= 12; budget++) {
      const { tokens, done } = await hear(asking(speaking(LONG), budget));
      expect(tokens).toBeLessThanOrEqual(budget);
      expect(done).toMatchObject({ reason: 'length', answerTokens: tokens });
    }
  });
});

describe('an engine that does not stop where it was told', () => {
  it.each([1, 7, 0])('is stopped there, and what it says beyond is not said: words of %i tokens', async (tokens) => {
    let left = false;
    const endless: Asking['run'] = async function* run(work) {
      if (work.kind === 'count-text') return yield { kind: 'count', tokens: 5 };
      try {
        for (;;) yield { kind: 'token', text: 'on ', tokens, logProb: null };
      } finally {
        left = true;
      }
    };
    const { tokens: cost, done, count } = await hear(asking(endless, 50));
    expect(cost).toBeLessThanOrEqual(50);
    expect(count).toBeLessThanOrEqual(46);
    expect([done?.reason, left]).toEqual(['length', true]);
  });
});

describe('a conversation that the model cannot read', () => {
  it('is an error that says so', async () => {
    await expect(hear(asking(speaking('', 'too-long')))).rejects.toThrow(/longer than the model can read/);
  });
});
