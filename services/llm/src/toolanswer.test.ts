import type { ChatMessage } from '@smartlite/contracts';
import { describe, expect, it } from 'vitest';
import type { AnswerPiece } from './answer.ts';
import { DECLINE_TEXT } from './decline.ts';
import type { LlmPiece, LlmWork } from './engine.ts';
import { TOOL_PROMPT, toolAnswer, withToolPrompt } from './toolanswer.ts';

const session = { timers: [], timeZone: 'UTC', llmTokensLeft: undefined, lastAnswer: '' };
const world = { nowMs: Date.UTC(2026, 10, 23, 15, 4), chance: 0.7, mode: 'normal', tier: 'standard', session } as const;

/** Asks a model that writes these tokens. */
async function ask(question: string, tokens: readonly string[], maxTokens = 50) {
  const works: LlmWork[] = [];
  const order: string[] = [];
  async function* run(work: LlmWork): AsyncIterable<LlmPiece> {
    works.push(work);
    if (work.kind === 'count-text')
      return yield { kind: 'count', tokens: work.text.split(' ').filter((word) => word !== '').length };
    if (work.kind !== 'generate') return;
    yield { kind: 'prompt', tokens: 9 };
    for (const text of tokens.slice(0, work.maxTokens)) {
      order.push(`made ${text}`);
      yield { kind: 'token', text, tokens: 1, logProb: null };
    }
    yield { kind: 'end', reason: tokens.length > work.maxTokens ? 'length' : 'stop' };
  }
  const messages = [{ role: 'user', content: question }];
  const pieces: AnswerPiece[] = [];
  for await (const piece of toolAnswer({ run, messages, maxTokens, temperature: 0, seed: 1, timers: [] }, world)) {
    if (piece.kind === 'text') order.push(`sent ${piece.text}`);
    pieces.push(piece);
  }
  const texts = pieces.filter((piece) => piece.kind === 'text');
  return { text: texts.map((piece) => piece.text).join(''), order, done: pieces.find((piece) => piece.kind === 'done'), works };
}

describe('an instruct model that is told of the tools', () => {
  it('streams what it says as it is made', async () => {
    const { order, done } = await ask('Who are you?', [' ', 'A ', 'voice.']);
    expect(order).toEqual(['made  ', 'made A ', 'sent  ', 'sent A ', 'made voice.', 'sent voice.']);
    expect(done).toMatchObject({ reason: 'stop', answerTokens: 3, tool: '' });
  });

  it('has its call carried out, and nothing of it spoken', async () => {
    const { text, done } = await ask('What is 12 plus 30?', [' <', 'calc', ' 12 + 30', '>']);
    expect(text).toBe('12 plus 30 is 42.');
    expect(done).toMatchObject({ reason: 'tool', tool: 'calc', answerTokens: 5 });
  });

  it.each(['<calc 12 + 31>', '<shell rm>', '<calc 12 +', '<>', '<time> It is noon.'])(
    'is declined where it writes %s',
    async (call) => {
      expect(await ask('What is 12 plus 30?', [call])).toMatchObject({
        text: DECLINE_TEXT,
        done: { reason: 'declined', tool: '' },
      });
    },
  );

  it('is held to a grammar of the question, and may call', async () => {
    const { works } = await ask('What is 12 plus 30?', ['Hm.']);
    expect(works.find((work) => work.kind === 'generate')).toMatchObject({
      calls: true,
      grammar: expect.stringContaining('"12 "'),
    });
  });

  it("is told of them before the caller's own system message", () => {
    const own: ChatMessage = { role: 'system', content: 'Be brief.' };
    const user: ChatMessage = { role: 'user', content: 'Hi' };
    expect(withToolPrompt([own, user])).toEqual([{ role: 'system', content: `${TOOL_PROMPT}\nBe brief.` }, user]);
    expect(withToolPrompt([user])).toEqual([{ role: 'system', content: TOOL_PROMPT }, user]);
  });
});
