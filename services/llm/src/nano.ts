import { type AnswerPiece, type Asking, chatAnswer, type Done, PromptTooLong } from './answer.ts';
import { asReadByNano, wordsOf } from './conversation.ts';
import { argumentsInQuestion, decline, DECLINE_TEXT, type DeclineThresholds, isNoRequest } from './decline.ts';
import { normalise } from './normalise.ts';
import { beginsCall, parseCall, type ToolCall } from './tools/call.ts';
import { execute, type World } from './tools/execute.ts';
import { callGrammar } from './tools/grammar.ts';
import type { LlmPiece } from './engine.ts';
import { sayInstead } from './instead.ts';

/** What the nano models' answers are read with. */
export interface NanoRules {
  /** Words that the model was made for. */
  readonly known: ReadonlySet<string>;
  readonly thresholds: DeclineThresholds;
}

/**
 * An answer of the embedded models: plain text, or a tool call that is executed here, so that facts come from tools. What lies
 * outside their narrow job is declined by rule. The decision needs the whole answer (a sentence or two), so nothing is sent before.
 */
export async function* nanoAnswer(asking: Asking, rules: NanoRules, world: World): AsyncIterable<AnswerPiece> {
  const messages = asReadByNano(asking.messages);
  const question = messages.at(-1)?.content ?? '';
  const conversation = messages.map(({ content }) => normalise(content)).join(' ');
  const logProbs: number[] = [];
  const pieces = isNoRequest(wordsOf(question))
    ? undefined
    : await written({ ...asking, run: listenTo(asking.run, logProbs), messages, grammar: callGrammar(question, conversation) });
  const done = pieces?.at(-1);
  if (pieces === undefined || done?.kind !== 'done') return yield* sayInstead(asking, DECLINE_TEXT, declined(asking));

  const text = pieces
    .map((piece) => (piece.kind === 'text' ? piece.text : ''))
    .join('')
    .trim();
  const call = parseCall(text);
  if (isOutside(question, conversation, text, call, logProbs, rules)) {
    return yield* sayInstead(asking, DECLINE_TEXT, { ...done, reason: 'declined' });
  }
  if (!call) return yield* pieces;
  const { text: fact, timers } = execute(call, world);
  yield* sayInstead(asking, fact, { ...done, reason: 'tool', tool: call.name, timers });
}

/** Everything that the model writes; undefined where the question alone is more than it can read. */
async function written(asking: Asking): Promise<readonly AnswerPiece[] | undefined> {
  try {
    const pieces: AnswerPiece[] = [];
    for await (const piece of chatAnswer({ ...asking, temperature: 0 })) pieces.push(piece);
    return pieces;
  } catch (caught) {
    if (caught instanceof PromptTooLong) return undefined;
    throw caught;
  }
}

const declined = ({ timers }: Asking): Done => ({
  kind: 'done',
  reason: 'declined',
  promptTokens: 0,
  answerTokens: 0,
  tool: '',
  timers,
});

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
  return decline({ words: wordsOf(question), known, meanLogProb, answer: text }, thresholds).kind === 'decline';
}

function listenTo(run: Asking['run'], logProbs: number[]): Asking['run'] {
  return async function* heard(work): AsyncIterable<LlmPiece> {
    for await (const piece of run(work)) {
      if (piece.kind === 'token' && piece.logProb !== null) logProbs.push(piece.logProb);
      yield piece;
    }
  };
}
