import { type ChatMessage, SaidFrom } from '@smartlite/contracts';
import { servedIn } from '../tiers.ts';
import { CUT, CutShort } from './cutshort.ts';
import type { Scene } from './scene.ts';
import { sized } from './sized.ts';

const FIRST_SENTENCE = SaidFrom.SAID_FROM_FIRST_SENTENCE;
/** Fewer tokens than this are no answer: then the caller is told that his budget is used up. */
const ANSWER_TOKENS_MIN = 24;
/** Covered with the prompt, before the first token, so that it does not wait. */
export const FIRST_TOKENS_COVERED = 64;

/**
 * The answer's text, as its tokens come. It is held for as a whole before it begins; where less is left, it is made shorter, and the
 * model closes it with a sentence of its own. The prompt is covered before it is read, each token before it is said.
 */
export async function* think({ ports, call, settings, meter, progress, signal }: Scene): AsyncIterable<string> {
  const { history, timeZone } = settings;
  const messages: ChatMessage[] = [...history, { role: 'user', content: progress.transcript }];
  const { chosen, size, tokensLeft } = await sized(ports, { messages, tier: settings.tier }, call, {
    signal,
    held: meter.room('llmTokens'),
  });
  const { promptTokens, answerTokensMax } = size;
  const held = await meter.holdUpTo(
    'llmTokens',
    promptTokens + answerTokensMax,
    promptTokens + Math.min(ANSWER_TOKENS_MIN, answerTokensMax),
    promptTokens + FIRST_TOKENS_COVERED,
  );
  const maxTokens = held - promptTokens;
  const lastAnswer = history.findLast(({ role }) => role === 'assistant')?.content ?? '';
  const facts = { timers: progress.timers, timeZone, lastAnswer, llmTokensLeft: tokensLeft };
  const request = { messages, tier: chosen.tier, maxTokens, temperature: 0, seed: 0n, facts, saidFrom: FIRST_SENTENCE };
  await meter.spend('llmTokens', promptTokens);
  for await (const { kind } of ports.llm.generate(request, { call, signal })) {
    if (kind?.$case === 'done')
      progress.thought({ ...kind.value, servedBy: servedIn(chosen, kind.value.servedBy) }, maxTokens < answerTokensMax);
    if (kind?.$case === 'done' && kind.value.finishReason === CUT) throw new CutShort();
    if (kind?.$case !== 'chunk') continue;
    await meter.spend('llmTokens', kind.value.tokens);
    yield kind.value.text;
  }
}
