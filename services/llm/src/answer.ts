import { type ChatMessage, MeshError, type Timer } from '@smartlite/contracts';
import type { LlmPiece, LlmWork } from './engine.ts';

/** A piece of the answer as the caller gets it. Tokens of all texts together are what the answer cost. */
export type AnswerPiece =
  | { readonly kind: 'text'; readonly text: string; readonly tokens: number }
  | {
      readonly kind: 'done';
      readonly reason: 'stop' | 'length' | 'declined' | 'tool';
      readonly promptTokens: number;
      readonly answerTokens: number;
      readonly tool: string;
      readonly timers: readonly Timer[];
    };

export type Done = Extract<AnswerPiece, { kind: 'done' }>;

/** One question to one engine. */
export interface Asking {
  readonly run: (work: LlmWork) => AsyncIterable<LlmPiece>;
  readonly messages: readonly ChatMessage[];
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed: number;
  readonly timers: readonly Timer[];
  /** GBNF that the answer keeps to, where the engine can hold it to one. */
  readonly grammar?: string | undefined;
  /** The answer may be a call of a tool. */
  readonly calls?: boolean;
}

/** Said when the budget ends an answer: whoever listens must not be left with half a sentence. */
export const CLOSING = ' I have to stop here.';

/** Raised when the question alone fills the model's context. */
export class PromptTooLong extends Error {
  override readonly name = 'PromptTooLong';
}

/** Tokens of a text by the engine's own tokenizer. */
export async function countTokens(
  run: Asking['run'],
  work: Extract<LlmWork, { kind: 'count-text' | 'count-prompt' }>,
): Promise<number> {
  for await (const piece of run(work)) if (piece.kind === 'count') return piece.tokens;
  throw new MeshError('internal', 'the engine gave no count');
}

/**
 * An instruct model's answer, token by token as it is made. When the budget ends it, it ends with the closing sentence, whose tokens
 * were set aside from the start; a budget too small for that gets no closing sentence.
 */
export async function* chatAnswer({
  run,
  messages,
  maxTokens,
  temperature,
  seed,
  timers,
  grammar,
  calls = false,
}: Asking): AsyncIterable<AnswerPiece> {
  const closingTokens = await countTokens(run, { kind: 'count-text', text: CLOSING });
  const closes = maxTokens > closingTokens;
  const limit = closes ? maxTokens - closingTokens : maxTokens;
  const counted = { promptTokens: 0, answerTokens: 0 };
  let pieces = 0;
  let reason: 'stop' | 'length' | undefined;
  for await (const piece of run({
    kind: 'generate',
    messages,
    maxTokens: limit,
    temperature,
    seed,
    grammar,
    calls,
  })) {
    if (piece.kind === 'prompt') counted.promptTokens = piece.tokens;
    if (piece.kind === 'token') {
      pieces += 1;
      // Whoever does not stop where he was told to is stopped here, also where he says that his words are no tokens: nobody pays for more.
      if (Math.max(pieces, counted.answerTokens + piece.tokens) > limit) {
        reason = 'length';
        break;
      }
      counted.answerTokens += piece.tokens;
      yield { kind: 'text', text: piece.text, tokens: piece.tokens };
    }
    if (piece.kind !== 'end') continue;
    if (piece.reason === 'too-long') throw new PromptTooLong('the conversation is longer than the model can read');
    reason = piece.reason;
    if (piece.usage === undefined) continue;
    counted.promptTokens = piece.usage.promptTokens;
    const uncounted = Math.min(piece.usage.answerTokens, limit) - counted.answerTokens;
    if (uncounted <= 0) continue;
    // Tokens that were written and not streamed, such as those of a call: they cost the same.
    counted.answerTokens += uncounted;
    yield { kind: 'text', text: '', tokens: uncounted };
  }
  if (reason === undefined) throw new MeshError('internal', 'the engine stopped in mid-answer');
  if (reason === 'length' && closes) {
    counted.answerTokens += closingTokens;
    yield { kind: 'text', text: CLOSING, tokens: closingTokens };
  }
  yield { kind: 'done', reason, ...counted, tool: '', timers };
}
