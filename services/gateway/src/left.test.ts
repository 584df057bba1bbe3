import { type LimitLeft, Scope, Unit, type Usage } from '@smartlite/contracts';
import { describe, expect, it } from 'vitest';
import { limitReached, rateLimits, tokensLeft } from './left.ts';
import { overBudget } from './turn/overbudget.ts';

const usage = (unit: Unit, limit: bigint, charged: bigint, reserved = 0n): Usage => ({
  scope: Scope.SCOPE_USER,
  subject: 'ada',
  unit,
  window: 'day',
  limit,
  charged,
  reserved,
  overrun: 0n,
  refillsUnixMs: 0n,
});
const limit = (name: string, limitValue: bigint, left: bigint, refillsUnixMs = 61_500n): LimitLeft => ({
  limit: name,
  limitValue,
  left,
  refillsUnixMs,
});

describe('tokens that a caller has left', () => {
  it('are what the tightest limit leaves, with what is held for others’ answers gone', () => {
    const usages = [usage(Unit.UNIT_LLM_TOKENS, 1_000n, 100n, 50n), usage(Unit.UNIT_LLM_TOKENS, 5_000n, 0n)];
    expect(tokensLeft(usages)).toBe(850n);
  });

  it('are never less than none, also under a limit that was lowered', () => {
    expect(tokensLeft([usage(Unit.UNIT_LLM_TOKENS, 10n, 100n)])).toBe(0n);
  });

  it('are unknown where no limit counts tokens', () => {
    expect(tokensLeft([usage(Unit.UNIT_REQUESTS, 10n, 1n)])).toBeUndefined();
  });
});

describe('the rate limits that an answer tells of', () => {
  it('are, unit by unit, what the tightest limit leaves, and when it refills', () => {
    const limits = [
      limit('user/llm_tokens/day', 1_000n, 820n),
      limit('fleet/llm_tokens/day', 5_000n, 4_000n),
      limit('user/requests/minute', 60n, 0n, 500n),
      limit('user/asr_ms/day', 36_000_000n, 35_999_999n),
      limit('user/tts_characters/day', 50n, 7n),
    ];
    expect(rateLimits(limits, 1_000)).toEqual({
      'x-ratelimit-limit-tokens': '1000',
      'x-ratelimit-remaining-tokens': '820',
      'x-ratelimit-reset-tokens': '61s',
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '0s',
      'x-ratelimit-limit-audio-seconds': '36000',
      'x-ratelimit-remaining-audio-seconds': '35999',
      'x-ratelimit-reset-audio-seconds': '61s',
      'x-ratelimit-limit-characters': '50',
      'x-ratelimit-remaining-characters': '7',
      'x-ratelimit-reset-characters': '61s',
    });
  });

  it('are not told of where nobody counts', () => {
    expect(rateLimits([], 0)).toEqual({});
  });

  it('have in a refusal the names that they have in an answer', () => {
    const met = limit('user/asr_ms/day', 60_000n, 2_500n, 91_000n);
    expect(limitReached(overBudget(met, 1_000))).toEqual({
      ...rateLimits([met], 1_000),
      'x-ratelimit-limit': '60000',
      'x-ratelimit-remaining': '2500',
      'x-ratelimit-reset': '1970-01-01T00:01:31.000Z',
      'x-should-retry': 'false',
    });
  });
});
