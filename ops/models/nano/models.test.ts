import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readThresholds, readVocabulary } from './evaluate.ts';
import { outcome } from './evaluation/judge.ts';
import { Nano } from './evaluation/nano.ts';
import type { Question } from './evaluation/questions.ts';
import { CHAT_TEMPLATE } from './export.ts';

const fileOf = (size: string): string => new URL(`nano-${size}.gguf`, import.meta.url).pathname;
const asked = (question: string): Question => ({ before: [], question, kind: 'answer', expected: '' });

describe.each(['lite', 'standard'])('the committed model nano-%s', (size) => {
  it('is the file that the model card names', () => {
    const digest = createHash('sha256').update(readFileSync(fileOf(size))).digest('hex');
    expect(readFileSync(new URL('MODEL_CARD.md', import.meta.url), 'utf8')).toContain(digest);
  });

  it('carries the prompt that it was trained on', () => {
    expect(readFileSync(fileOf(size)).includes(CHAT_TEMPLATE)).toBe(true);
  });

  it('names the tool for plain requests, copying what was said', { timeout: 60_000 }, async () => {
    await using nano = await Nano.load(fileOf(size));
    const said = async (question: string): Promise<string> => (await nano.ask(question)).text;
    expect(await said('What time is it?')).toBe('<time>');
    expect(await said('What is twelve plus thirty?')).toBe('<calc 12 + 30>');
    expect(await said('Set a timer for five minutes, please.')).toBe('<timer set 5 minute>');
    expect(await said('Turn on the kitchen lights.')).toBe('Turning the kitchen lights on.');
  });

  it('is kept from answering what lies outside', { timeout: 60_000 }, async () => {
    await using nano = await Nano.load(fileOf(size));
    const [known, thresholds] = [readVocabulary(), readThresholds(size)];
    for (const question of ['Who is the president of Peru?', 'Explain the theory of evolution.', '']) {
      const said = await nano.ask(question);
      expect(outcome(asked(question), said, known, thresholds).kind).toBe('declined');
    }
  });
});
