import type { ChatMessage } from '@smartlite/contracts';
import { type AnswerPiece, type Asking, chatAnswer } from './answer.ts';
import { argumentsInQuestion, DECLINE_TEXT } from './decline.ts';
import { sayInstead } from './instead.ts';
import { normalise } from './normalise.ts';
import { beginsCall, parseCall } from './tools/call.ts';
import { execute, type World } from './tools/execute.ts';
import { callGrammar } from './tools/grammar.ts';

/** What an instruct model is told; the calls are those of `tools/call.ts`. */
export const TOOL_PROMPT = `You are a voice assistant. Answer in one or two short sentences, without markup.
You do not know the time, the date, timers or the state of the system, and you do no sums. Where one is asked for, write one call and nothing else:
<time> <date> <date tomorrow> <date yesterday> <calc 12 + 30> (one of + - * /) <calc 15 % 80> (15 percent of 80) <unit 5 mile kilometer>
<timer set 5 minute> (second, minute, hour) <timer cancel> <timer left> <status> <tier> <budget> <coin> <dice> <repeat>
Use the numbers and units of the question, units in the singular.`;

/** The caller's conversation, with what the model must know of tools before everything. */
export function withToolPrompt(messages: readonly ChatMessage[]): ChatMessage[] {
  const [first, ...rest] = messages;
  if (first?.role === 'system') return [{ role: 'system', content: `${TOOL_PROMPT}\n${first.content}` }, ...rest];
  return [{ role: 'system', content: TOOL_PROMPT }, ...messages];
}

/**
 * An instruct model's answer, streamed as it is made, or a call in its place, which is executed here. The first letter decides: what
 * begins as a call is held back to its end, and is declined unless it is one whose arguments were said.
 */
export async function* toolAnswer(asking: Asking, world: World): AsyncIterable<AnswerPiece> {
  const spoken = asking.messages.filter(({ role }) => role !== 'system').map(({ content }) => normalise(content));
  const conversation = spoken.join(' ');
  const grammar = callGrammar(spoken.at(-1) ?? '', conversation);
  const held: AnswerPiece[] = [];
  let text = '';
  for await (const piece of chatAnswer({ ...asking, messages: withToolPrompt(asking.messages), grammar, calls: true })) {
    if (piece.kind === 'text') text += piece.text;
    if (piece.kind === 'done' && beginsCall(text)) return yield* carriedOut(asking, text, conversation, piece, world);
    held.push(piece);
    if (text.trim() !== '' && !beginsCall(text)) yield* held.splice(0);
  }
  yield* held;
}

function carriedOut(
  asking: Asking,
  text: string,
  conversation: string,
  done: Extract<AnswerPiece, { kind: 'done' }>,
  world: World,
): AsyncIterable<AnswerPiece> {
  const call = parseCall(text);
  if (!call || !argumentsInQuestion(text, conversation)) return sayInstead(asking, DECLINE_TEXT, { ...done, reason: 'declined' });
  const { text: fact, timers } = execute(call, world);
  return sayInstead(asking, fact, { ...done, reason: 'tool', tool: call.name, timers });
}
