import { z } from 'zod';
import type { Asking } from './answer.ts';
import type { NanoRules } from './nano.ts';

const settings = z.object({
  decline: z.strictObject({
    /** Most of a question's words, as a share, that the model may never have met; above 1: the rule is off. */
    unknown_share_max: z.number().min(0).max(2),
    /** Least mean natural log-probability of the answer's tokens. */
    mean_log_prob_min: z.number().max(0),
  }),
});

/** The rules that come with a nano model: its word list is one of its artifacts, its thresholds stand in the signed pack. */
export async function nanoRules(run: Asking['run'], given: Readonly<Record<string, unknown>>): Promise<NanoRules> {
  const { decline } = settings.parse(given);
  const thresholds = { unknownShareMax: decline.unknown_share_max, meanLogProbMin: decline.mean_log_prob_min };
  for await (const piece of run({ kind: 'vocabulary' })) {
    if (piece.kind === 'vocabulary') return { known: new Set(piece.text.split('\n').filter((word) => word !== '')), thresholds };
  }
  throw new Error('the engine gave no vocabulary');
}
