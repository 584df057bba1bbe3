/**
 * The most likely token of the logits of one step, and its probability among the first `vocabularySize` entries.
 * Entries at or above `vocabularySize` are padding of the model's output and can never be chosen.
 */
export function chooseToken(logits: Float32Array, vocabularySize: number): { readonly id: number; readonly probability: number } {
  const size = Math.min(logits.length, vocabularySize);
  let id = 0;
  let best = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < size; index++) {
    const logit = logits[index] as number;
    if (logit > best) {
      best = logit;
      id = index;
    }
  }
  let sum = 0;
  for (let index = 0; index < size; index++) sum += Math.exp((logits[index] as number) - best);
  return { id, probability: 1 / sum };
}

/** The natural logarithm of a token's probability among the first `vocabularySize` of the logits that begin at `from`. */
export function logProbability(
  logits: Float32Array,
  { from, vocabularySize }: { from: number; vocabularySize: number },
  id: number,
): number {
  const step = logits.subarray(from, from + vocabularySize);
  let best = Number.NEGATIVE_INFINITY;
  for (const logit of step) best = Math.max(best, logit);
  let sum = 0;
  for (const logit of step) sum += Math.exp(logit - best);
  return (step[id] ?? Number.NEGATIVE_INFINITY) - best - Math.log(sum);
}
