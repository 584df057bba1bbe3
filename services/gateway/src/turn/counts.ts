import { type Amount, Unit } from '@smartlite/contracts';

export type MeteredUnit = 'requests' | 'llmTokens' | 'asrMs' | 'ttsCharacters';
const UNITS: Readonly<Record<MeteredUnit, Unit>> = {
  requests: Unit.UNIT_REQUESTS,
  llmTokens: Unit.UNIT_LLM_TOKENS,
  asrMs: Unit.UNIT_ASR_MILLISECONDS,
  ttsCharacters: Unit.UNIT_TTS_CHARACTERS,
};
export type Counts = Record<MeteredUnit, number>;

export function nothing(): Counts {
  return { requests: 0, llmTokens: 0, asrMs: 0, ttsCharacters: 0 };
}

/** As the ledger takes them: whole, never less than was counted. */
export function amountsOf(counts: Partial<Counts>): Amount[] {
  return (Object.keys(UNITS) as MeteredUnit[])
    .filter((unit) => (counts[unit] ?? 0) > 0)
    .map((unit) => ({ unit: UNITS[unit], value: BigInt(Math.ceil(counts[unit] ?? 0)) }));
}
