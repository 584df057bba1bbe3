import { Unit, type Usage } from '@smartlite/contracts';

/** LLM tokens that a caller may still spend: the least that any of the limits leaves; undefined where none counts them. Pure. */
export function tokensLeft(usages: readonly Usage[]): bigint | undefined {
  const left = usages
    .filter(({ unit }) => unit === Unit.UNIT_LLM_TOKENS)
    .map(({ limit, charged, reserved }) => limit - charged - reserved);
  if (left.length === 0) return undefined;
  const least = left.reduce((a, b) => (b < a ? b : a));
  return least < 0n ? 0n : least;
}
