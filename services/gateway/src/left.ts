import type { Call } from '@smartlite/chassis';
import { type LimitLeft, type MeshError, Unit, type Usage } from '@smartlite/contracts';

type Headers = Readonly<Record<string, string>>;

/** How headers name the ledger's units. The first two are OpenAI's own names; audio is counted in milliseconds, and told in seconds. */
const UNITS: Readonly<Record<string, { readonly name: string; readonly per: bigint }>> = {
  requests: { name: 'requests', per: 1n },
  llm_tokens: { name: 'tokens', per: 1n },
  asr_ms: { name: 'audio-seconds', per: 1_000n },
  tts_characters: { name: 'characters', per: 1n },
};
/** Clients of OpenAI try again by themselves within this; a limit that refills later they would only hammer. */
const SOON_MS = 60_000;

/** Tokens that a caller may still spend, by what the ledger says of all his limits; undefined where none counts them. Pure. */
export function tokensLeft(usages: readonly Usage[]): bigint | undefined {
  const all = usages
    .filter(({ unit }) => unit === Unit.UNIT_LLM_TOKENS)
    .map(({ limit, charged, reserved }) => (limit > charged + reserved ? limit - charged - reserved : 0n));
  return all.reduce<bigint | undefined>((least, each) => (least !== undefined && least <= each ? least : each), undefined);
}

/**
 * OpenAI's headers of an answer that is given: of each unit that was reserved, what the tightest limit leaves now that it is. `nowMs` is
 * Unix time. No header for what nobody counts. Pure.
 */
export function rateLimits(limits: readonly LimitLeft[], nowMs: number): Headers {
  const tightest = new Map<string, LimitLeft>();
  for (const each of limits) {
    const known = tightest.get(unitOf(each.limit));
    if (known === undefined || each.left < known.left) tightest.set(unitOf(each.limit), each);
  }
  return Object.assign(
    {},
    ...[...tightest.values()].map((each) => unitHeaders(each, Number(each.refillsUnixMs) - nowMs)),
  ) as Headers;
}

/** Sends them along: over HTTP in the answer's head, over gRPC in its trailers. */
export function tellLimits(
  { limits }: { readonly limits: readonly LimitLeft[] },
  call: Pick<Call, 'trailer'>,
  nowMs: number,
): void {
  for (const [name, value] of Object.entries(rateLimits(limits, nowMs))) call.trailer?.(name, value);
}

/** The same of a refusal, for the limit that was met; without the unit's name as well, where the reset is a point in time. Pure. */
export function limitReached({ facts, retryAfterMs = 0 }: MeshError): Headers {
  const { limit = '', limit_value: value = '', left = '', refills = '' } = facts;
  return {
    'x-ratelimit-limit': value,
    'x-ratelimit-remaining': left,
    'x-ratelimit-reset': refills,
    'x-should-retry': String(retryAfterMs <= SOON_MS),
    ...unitHeaders({ limit, limitValue: BigInt(value), left: BigInt(left) }, retryAfterMs),
  };
}

/** `resetMs`: how long until the limit refills. */
function unitHeaders({ limit, limitValue, left }: Omit<LimitLeft, 'refillsUnixMs'>, resetMs: number): Headers {
  const unit = UNITS[unitOf(limit)];
  if (unit === undefined) return {};
  const { name, per } = unit;
  return {
    [`x-ratelimit-limit-${name}`]: String(limitValue / per),
    [`x-ratelimit-remaining-${name}`]: String(left / per),
    [`x-ratelimit-reset-${name}`]: `${Math.max(0, Math.ceil(resetMs / 1_000))}s`,
  };
}

/** `user/llm_tokens/day` counts `llm_tokens`. */
function unitOf(limit: string): string {
  return limit.split('/')[1] ?? '';
}
