import type { Call } from '@smartlite/chassis';
import type { ChatMessage, CountTokensResponse } from '@smartlite/contracts';
import type { ChosenTier } from '@smartlite/resilience';
import type { Ports } from '../engine.ts';

/** A question: the tier it goes to, how long it is there, and what its caller may spend on it; undefined where nobody counts that. */
export interface Sized {
  readonly chosen: ChosenTier;
  readonly size: CountTokensResponse;
  readonly tokensLeft: bigint | undefined;
}

/**
 * Counts a question and chooses its tier. Counted again where another tier than the default is chosen: its model reads otherwise.
 * `held`: tokens that the request holds already, which nobody else counts as left.
 */
export async function sized(
  ports: Ports,
  { messages, tier: asked }: { readonly messages: ChatMessage[]; readonly tier: string },
  call: Call,
  { signal = call.signal, held = 0 }: { readonly signal?: AbortSignal; readonly held?: number } = {},
): Promise<Sized> {
  const count = (tier: string) => ports.llm.countTokens({ messages, tier }, { call, signal });
  const [usual, left] = await Promise.all([count(asked), ports.tokensLeft(call)]);
  const chosen = await ports.tiers.answer(asked, usual.promptTokens, left === undefined ? undefined : left + BigInt(held));
  return { chosen, tokensLeft: left, size: chosen.tier === asked ? usual : await count(chosen.tier) };
}
