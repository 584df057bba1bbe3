import { type AnswerPiece, type Asking, CLOSING, countTokens, type Done } from './answer.ts';

/**
 * A sentence of ours in place of the model's words, counted by the model's tokenizer, as one piece. One that the budget cannot pay
 * for is replaced by the closing sentence, or by nothing, and what it would have done is left undone.
 */
export async function* sayInstead({ run, maxTokens, timers }: Asking, text: string, done: Done): AsyncIterable<AnswerPiece> {
  for (const said of [text, CLOSING.trim()]) {
    const tokens = await countTokens(run, { kind: 'count-text', text: said });
    if (tokens > maxTokens) continue;
    yield { kind: 'text', text: said, tokens };
    return yield said === text
      ? { ...done, answerTokens: tokens }
      : { ...done, reason: 'length', tool: '', timers, answerTokens: tokens };
  }
  yield { ...done, reason: 'length', tool: '', timers, answerTokens: 0 };
}
