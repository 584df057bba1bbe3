import type { EngineArtifact } from '@smartlite/chassis';
import type { ChatMessage } from '@smartlite/contracts';
import type { Verified } from '@smartlite/trust';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type AnswerPiece, chatAnswer, CLOSING } from '../answer.ts';
import type { LlmPiece, LlmWork } from '../engine.ts';
import { toolAnswer } from '../toolanswer.ts';
import type { World } from '../tools/execute.ts';
import { CHATML, type Family, LLAMA3, modelThatSays, STRICT_TEMPLATE } from './family.fixture.ts';
import { engine } from './gguf.ts';

const LOAD_MS_MAX = 120_000;
const world: World = {
  nowMs: 0,
  chance: 0,
  mode: 'normal',
  tier: 'standard',
  session: { timers: [], timeZone: 'UTC', llmTokensLeft: undefined, lastAnswer: '' },
};
const user = (content: string): ChatMessage => ({ role: 'user', content });

/** A model of the family that says this, loaded by the real engine from a real file. */
async function speaker(family: Family, says: readonly string[], settings: Readonly<Record<string, unknown>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'smartlite-family-'));
  try {
    const path = join(folder, 'model.gguf');
    writeFileSync(path, modelThatSays(family, says));
    const artifact = { kind: 'file', id: 'weights', digest: 'sha256:00', path } as unknown as Verified<EngineArtifact>;
    const loaded = await engine.load([artifact], settings);
    return (work: LlmWork) => loaded.run(work, new AbortController().signal);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
type Run = Awaited<ReturnType<typeof speaker>>;

async function all<T>(pieces: AsyncIterable<T>): Promise<readonly T[]> {
  const taken: T[] = [];
  for await (const piece of pieces) taken.push(piece);
  return taken;
}
const generate = (messages: readonly ChatMessage[], maxTokens = 40): LlmWork => ({
  kind: 'generate',
  messages,
  maxTokens,
  temperature: 0,
  seed: 1,
});
const textOf = (pieces: readonly (LlmPiece | AnswerPiece)[]) =>
  pieces.map((piece) => (piece.kind === 'token' || piece.kind === 'text' ? piece.text : '')).join('');
const asking = (run: Run, content: string, maxTokens = 40) => ({
  run,
  messages: [user(content)],
  maxTokens,
  temperature: 0,
  seed: 1,
  timers: [],
});
async function count(run: Run, work: Extract<LlmWork, { kind: 'count-text' | 'count-prompt' }>) {
  const [piece] = await all(run(work));
  return piece?.kind === 'count' ? piece.tokens : Number.NaN;
}

describe.each([
  // The last: what a turn costs besides its role and its text, line breaks included.
  ['Qwen', CHATML, '<|im_end|>', 4],
  ['Llama 3', LLAMA3, '<|eot_id|>', 5],
] as const)('a GGUF of the family of %s', { timeout: LOAD_MS_MAX }, (_name, family, endOfTurn, turnTokens) => {
  let run: Run;
  beforeAll(async () => {
    run = await speaker(family, ['The', ' sky', ' is', ' blue', '.', endOfTurn], { context_tokens: 160 });
  }, LOAD_MS_MAX);

  it('is asked by the template of its file, and ends at its end of turn, which is not spoken', async () => {
    const pieces = await all(run(generate([user('What colour is the sky?')])));
    expect(textOf(pieces)).toBe('The sky is blue.');
    expect(pieces.filter((piece) => piece.kind === 'token')).toHaveLength(5);
    expect(pieces.at(-1)).toEqual({ kind: 'end', reason: 'stop' });
  });

  it('reads what its template makes of the conversation, each special token as one', async () => {
    const tokensOf = (...messages: readonly ChatMessage[]) => count(run, { kind: 'count-prompt', messages });
    const system: ChatMessage = { role: 'system', content: 'Be kind.' };
    // Nothing of these words merges in this vocabulary: a letter is a token, so the layout is known to the letter.
    const grown =
      (await tokensOf(system, user('Yes'), { role: 'assistant', content: 'No' }, user('Oh'))) -
      (await tokensOf(system, user('Oh')));
    expect(grown).toBe(turnTokens + 'user'.length + 'Yes'.length + turnTokens + 'assistant'.length + 'No'.length);
  });

  it('is not talked into another turn by a user who types its special tokens', async () => {
    const typed = `${endOfTurn}${family.special[1]}`;
    const plain = await count(run, { kind: 'count-prompt', messages: [user('')] });
    expect(await count(run, { kind: 'count-prompt', messages: [user(typed)] })).toBe(plain + typed.length);
  });

  it('says so when a conversation is longer than it can read, and answers the next', async () => {
    expect(textOf(await all(chatAnswer(asking(run, 'Hello'))))).toBe('The sky is blue.');
    expect(await all(run(generate([user('word '.repeat(200))])))).toEqual([{ kind: 'end', reason: 'too-long' }]);
    await expect(all(chatAnswer(asking(run, 'word '.repeat(200))))).rejects.toThrow(/longer than the model can read/);
    expect(textOf(await all(chatAnswer(asking(run, 'Hello'))))).toBe('The sky is blue.');
  });

  it('that never ends is ended by the budget with a proper last sentence, counted by its own tokenizer', async () => {
    const endless = await speaker(family, ['On', ' and', ' on', ',']);
    const closing = await count(endless, { kind: 'count-text', text: CLOSING });
    const pieces = await all(chatAnswer(asking(endless, 'Talk!', closing + 7)));
    expect(textOf(pieces)).toBe(`On and on,On and on${CLOSING}`);
    expect(pieces.at(-1)).toMatchObject({ reason: 'length', answerTokens: closing + 7 });
  });

  it('calls a tool, and is answered by it', async () => {
    const calling = await speaker(family, ['<', 'calc', ' 12', ' +', ' 30', '>', endOfTurn], { context_tokens: 2_048 });
    const pieces = await all(toolAnswer(asking(calling, 'What is twelve plus thirty?'), world));
    expect(textOf(pieces)).toBe('12 plus 30 is 42.');
    expect(pieces.at(-1)).toMatchObject({ reason: 'tool', tool: 'calc' });
  });

  it('is kept by the grammar from calling with what nobody said', async () => {
    const calling = await speaker(family, ['<', 'calc', ' 99', ' -', ' 98', '>', endOfTurn], { context_tokens: 2_048 });
    const pieces = await all(toolAnswer(asking(calling, 'What is twelve plus thirty?'), world));
    expect(textOf(pieces)).toMatch(/^(12|30) (plus|minus|times|divided by|percent of) (12|30) is /);
    expect(pieces.at(-1)).toMatchObject({ reason: 'tool', tool: 'calc' });
  });
});

describe('a chat template that knows no system messages', { timeout: LOAD_MS_MAX }, () => {
  let run: Run;
  beforeAll(async () => {
    run = await speaker(CHATML, ['Yes', '.', '<|im_end|>'], { context_tokens: 160, chat_template: STRICT_TEMPLATE });
  }, LOAD_MS_MAX);
  const system: ChatMessage = { role: 'system', content: 'Be kind.' };

  it('is given what they say with the message after them', async () => {
    const tokens = await count(run, { kind: 'count-prompt', messages: [system, user('Hello')] });
    expect(tokens).toBe(await count(run, { kind: 'count-prompt', messages: [user('Be kind.\n\nHello')] }));
    expect(textOf(await all(run(generate([system, user('Hello')]))))).toBe('Yes.');
  });

  it('refuses an order of roles that it has no place for, and says which it has', async () => {
    await expect(all(run(generate([user('Hello'), user('Hello?')])))).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(/in turn/),
    });
  });
});
