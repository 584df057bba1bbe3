import type { Pack } from '@smartlite/trust';
import type { UnitName } from './amounts.ts';
import type { Limit } from './limits.ts';

const MS_PER_SECOND = 1_000;
const UNIT_OF_PACK: Readonly<
  Record<Pack['token_budget']['limits'][number]['unit'], { readonly unit: UnitName; readonly factor: number }>
> = {
  requests: { unit: 'requests', factor: 1 },
  llm_tokens: { unit: 'llm_tokens', factor: 1 },
  asr_seconds: { unit: 'asr_ms', factor: MS_PER_SECOND },
  tts_characters: { unit: 'tts_characters', factor: 1 },
};

/** The limits that the pack's `token_budget` sets, in the ledger's units. */
export function limitsOfPack(pack: Pack): readonly Limit[] {
  return pack.token_budget.limits.map(({ scope, unit, window, limit }) => {
    const { unit: name, factor } = UNIT_OF_PACK[unit];
    return { scope, subject: '', unit: name, window, limit: limit * factor };
  });
}
