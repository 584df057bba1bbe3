import type { ChatMessage } from '@smartlite/contracts';
import { normalise } from './normalise.ts';

/** Turns of history that the models were trained with. */
const HISTORY_MESSAGES = 4;
/** Words of history that leave room for a question and its answer in a context of 256 tokens. */
const HISTORY_WORDS_MAX = 60;

/** The last turns, normalised as in training; nano models have no system prompt. */
export function asReadByNano(messages: readonly ChatMessage[]): ChatMessage[] {
  const spoken = messages.filter(({ role }) => role !== 'system').slice(-(HISTORY_MESSAGES + 1));
  const first = spoken.findIndex(({ role }) => role === 'user');
  const read = spoken
    .slice(Math.max(0, first))
    .map(({ role, content }) => ({ role, content: role === 'user' ? normalise(content) : content }));
  return withoutOldest(read);
}

/** Whole turns go, the oldest first, until the rest leaves room; the question itself stays. */
function withoutOldest(messages: readonly ChatMessage[]): ChatMessage[] {
  const history = messages.slice(0, -1).reduce((sum, { content }) => sum + wordsOf(content).length, 0);
  if (messages.length <= 1 || history <= HISTORY_WORDS_MAX) return [...messages];
  const next = messages.findIndex(({ role }, index) => index > 0 && role === 'user');
  return withoutOldest(messages.slice(next));
}

/** The words of a text, as often as they are said. */
export function wordsOf(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
