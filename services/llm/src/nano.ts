import type { ChatMessage, Mode, SessionFacts } from '@smartlite/contracts';
import { type AnswerPiece, type Asking, chatAnswer, countTokens } from './answer.ts';
import { argumentsInQuestion, decline, DECLINE_TEXT, type DeclineThresholds } from './decline.ts';
import { normalise } from './normalise.ts';
import { beginsCall, parseCall, type ToolCall } from './tools/call.ts';
import { execute } from './tools/execute.ts';
import { callGrammar } from './tools/grammar.ts';
import type { LlmPiece } from './engine.ts';

/** What the nano models' answers are read with. */
export interface NanoRules {
  /** Words that the model was made for. */
  readonly known: ReadonlySet<string>;
  readonly thresholds: DeclineThresholds;
}

export interface NanoWorld {
  readonly nowMs: number;
  readonly chance: number;
  readonly mode: Mode;
  readonly tier: string;
  readonly session: SessionFacts;
}

/** Turns of history that the models were trained with. */
const HISTORY_MESSAGES = 4;

/**
 * An answer of the embedded models: plain text, or a tool call that is executed here, so that facts come from tools. What lies
 * outside their narrow job is declined by rule. The decision needs the whole answer (a sentence or two), so nothing is sent before.
 */
export async function* nanoAnswer(asking: Asking, rules: NanoRules, world: NanoWorld): AsyncIterable<AnswerPiece> {
  const messages = asReadByNano(asking.messages);
  const question = messages.at(-1)?.content ?? '';
  const conversation = messages.map(({ content }) => normalise(content)).join(' ');
  const grammar = callGrammar(question, conversation);
  const logProbs: number[] = [];
  const heard = listenTo(asking.run, logProbs);
  const pieces: AnswerPiece[] = [];
  for await (const piece of chatAnswer({ ...asking, run: heard, messages, grammar, temperature: 0 })) pieces.push(piece);
  const done = pieces.at(-1);
  if (done?.kind !== 'done') return;

  const text = pieces
    .map((piece) => (piece.kind === 'text' ? piece.text : ''))
    .join('')
    .trim();
  const call = parseCall(text);
  const say = (spoken: string, end: Partial<Extract<AnswerPiece, { kind: 'done' }>>) =>
    sayInstead(asking, spoken, { ...done, ...end });
  if (isOutside(question, conversation, text, call, logProbs, rules)) return yield* say(DECLINE_TEXT, { reason: 'declined' });
  if (!call) return yield* pieces;
  const { text: fact, timers } = execute(call, world);
  yield* say(fact, { reason: 'tool', tool: call.name, timers });
}

/** The last turns, normalised as in training; nano models have no system prompt. */
export function asReadByNano(messages: readonly ChatMessage[]): ChatMessage[] {
  const spoken = messages.filter(({ role }) => role !== 'system').slice(-(HISTORY_MESSAGES + 1));
  const first = spoken.findIndex(({ role }) => role === 'user');
  return spoken
    .slice(Math.max(0, first))
    .map(({ role, content }) => ({ role, content: role === 'user' ? normalise(content) : content }));
}

function isOutside(
  question: string,
  conversation: string,
  text: string,
  call: ToolCall | undefined,
  logProbs: readonly number[],
  { known, thresholds }: NanoRules,
): boolean {
  if (beginsCall(text) && !call) return true;
  if (call && !argumentsInQuestion(text, conversation)) return true;
  const meanLogProb = logProbs.length === 0 ? undefined : logProbs.reduce((sum, each) => sum + each, 0) / logProbs.length;
  const words = question.split(' ').filter((word) => word !== '');
  return decline({ words, known, meanLogProb, answer: text }, thresholds).kind === 'decline';
}

function listenTo(run: Asking['run'], logProbs: number[]): Asking['run'] {
  return async function* heard(work): AsyncIterable<LlmPiece> {
    for await (const piece of run(work)) {
      if (piece.kind === 'token' && piece.logProb !== null) logProbs.push(piece.logProb);
      yield piece;
    }
  };
}

/** A sentence of ours in place of the model's words, counted by the model's tokenizer, as one piece. */
async function* sayInstead(
  { run }: Asking,
  text: string,
  done: Extract<AnswerPiece, { kind: 'done' }>,
): AsyncIterable<AnswerPiece> {
  const tokens = await countTokens(run, { kind: 'count-text', text });
  yield { kind: 'text', text, tokens };
  yield { ...done, answerTokens: tokens };
}
