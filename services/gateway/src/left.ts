import { Unit, type Usage } from '@smartlite/contracts';

/** What the tightest limit of a unit leaves a caller. */
export interface Left {
  readonly limit: bigint;
  readonly left: bigint;
  readonly refillsUnixMs: bigint;
}

/** What a caller may still spend; undefined where no limit counts it. */
export interface Allowance {
  readonly llmTokens: Left | undefined;
  readonly requests: Left | undefined;
}

/** Who could not be told in time what is left knows of no limit. */
export const UNKNOWN: Allowance = { llmTokens: undefined, requests: undefined };

/** By what the ledger says of all limits that hold for a caller. Pure. */
export function allowanceOf(usages: readonly Usage[]): Allowance {
  return { llmTokens: leftOf(usages, Unit.UNIT_LLM_TOKENS), requests: leftOf(usages, Unit.UNIT_REQUESTS) };
}

function leftOf(usages: readonly Usage[], unit: Unit): Left | undefined {
  const all = usages
    .filter((usage) => usage.unit === unit)
    .map(({ limit, charged, reserved, refillsUnixMs }) => {
      const left = limit - charged - reserved;
      return { limit, left: left < 0n ? 0n : left, refillsUnixMs };
    });
  return all.reduce<Left | undefined>(
    (least, each) => (least !== undefined && least.left <= each.left ? least : each),
    undefined,
  );
}

/**
 * OpenAI's headers of an answer that is given: what is left once it has been reserved for. `nowMs` is Unix time. No header for what nobody
 * counts. Pure.
 */
export function rateLimits(
  { llmTokens, requests }: Allowance,
  reserved: { readonly llmTokens: number; readonly requests: number },
  nowMs: number,
): Readonly<Record<string, string>> {
  return {
    ...headersOf('tokens', llmTokens, reserved.llmTokens, nowMs),
    ...headersOf('requests', requests, reserved.requests, nowMs),
  };
}

function headersOf(unit: string, known: Left | undefined, reserved: number, nowMs: number): Readonly<Record<string, string>> {
  if (known === undefined) return {};
  const left = known.left - BigInt(reserved);
  return {
    [`x-ratelimit-limit-${unit}`]: String(known.limit),
    [`x-ratelimit-remaining-${unit}`]: String(left < 0n ? 0n : left),
    [`x-ratelimit-reset-${unit}`]: `${Math.max(0, Math.ceil((Number(known.refillsUnixMs) - nowMs) / 1_000))}s`,
  };
}
