import type { ChatMessage } from '@smartlite/contracts';
import type { Scene } from './scene.ts';

/** The answer's text, as its tokens come. Held for as a whole before it begins, charged as it is said. */
export async function* think({ ports, call, settings, meter, progress, signal }: Scene): AsyncIterable<string> {
  const { tier, history, timeZone } = settings;
  const messages: ChatMessage[] = [...history, { role: 'user', content: progress.transcript }];
  const [size, llmTokensLeft] = await Promise.all([
    ports.llm.countTokens({ messages, tier }, { call, signal }),
    ports.tokensLeft(call),
  ]);
  await meter.hold('llmTokens', size.promptTokens + size.answerTokensMax);
  const lastAnswer = history.findLast(({ role }) => role === 'assistant')?.content ?? '';
  const facts = { timers: progress.timers, timeZone, lastAnswer, llmTokensLeft };
  const request = { messages, tier, maxTokens: size.answerTokensMax, temperature: 0, seed: 0n, facts };
  meter.use('llmTokens', size.promptTokens);
  for await (const { kind } of ports.llm.generate(request, { call, signal })) {
    if (kind?.$case === 'done') progress.thought(kind.value);
    if (kind?.$case !== 'chunk') continue;
    meter.use('llmTokens', kind.value.tokens);
    yield kind.value.text;
  }
}
