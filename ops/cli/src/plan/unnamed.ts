import { type ChosenTier, chooseAnswer, chooseRecognition, DEVICES } from '@smartlite/resilience';
import type { Pack } from '@smartlite/trust';
import type { UsageRow } from '../budget/words.ts';
import type { Suppositions } from './suppose.ts';

/** Where requests go that name no tier. */
export interface Unnamed {
  readonly asr: ChosenTier;
  readonly llm: ChosenTier;
  /** What the budget makes of the longest question; null where it is answered whole. */
  readonly short: string | null;
}

/**
 * By the functions by which the gateway chooses, for the longest question that the default tier takes. What is supposed to be left goes
 * before what the books say. Pure.
 */
export function unnamed(
  { asr_pack: asr, llm_tiers: llm }: Pack,
  { asrLatencyMs: latencyMs, llmTokensLeft }: Pick<Suppositions, 'asrLatencyMs' | 'llmTokensLeft'>,
  books: readonly UsageRow[],
): Unnamed {
  const inBooks = books.filter(({ unit }) => unit === 'llm_tokens').map(({ left }) => left);
  const left = llmTokensLeft ?? (inBooks.length > 0 ? Math.min(...inBooks) : Number.POSITIVE_INFINITY);
  const promptTokens = llm.tiers[llm.default_tier]?.token_budget.prompt ?? 0;
  const tokensLeft = Number.isFinite(left) ? BigInt(left) : undefined;
  const nobody = { asked: '', mode: 'normal' };
  const answer = chooseAnswer(llm, { ...nobody, promptTokens, tokensLeft });
  const need = promptTokens + (llm.tiers[answer.tier]?.token_budget.answer ?? 0);
  return {
    asr: chooseRecognition(asr, { ...nobody, latencyMs, devices: DEVICES }),
    llm: answer,
    short:
      need > left
        ? `llm tier ${answer.tier}: cut short or refused as over-budget, for it may take ${need} tokens and ${left} are left`
        : null,
  };
}
