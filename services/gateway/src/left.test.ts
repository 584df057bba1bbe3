import { Scope, Unit, type Usage } from '@smartlite/contracts';
import { describe, expect, it } from 'vitest';
import { allowanceOf, rateLimits, UNKNOWN } from './left.ts';

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

const tokensLeft = (usages: readonly Usage[]) => allowanceOf(usages).llmTokens?.left;

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
  it('are what the tightest limit leaves once the answer is reserved for, and when it refills', () => {
    const usages = [
      { ...usage(Unit.UNIT_LLM_TOKENS, 1_000n, 100n, 50n), refillsUnixMs: 61_500n },
      usage(Unit.UNIT_LLM_TOKENS, 5_000n, 0n),
      { ...usage(Unit.UNIT_REQUESTS, 60n, 60n), refillsUnixMs: 500n },
    ];
    expect(rateLimits(allowanceOf(usages), { llmTokens: 30, requests: 1 }, 1_000)).toEqual({
      'x-ratelimit-limit-tokens': '1000',
      'x-ratelimit-remaining-tokens': '820',
      'x-ratelimit-reset-tokens': '61s',
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '0s',
    });
  });

  it('are not told of where nobody counts, or nobody could say', () => {
    expect(rateLimits(UNKNOWN, { llmTokens: 30, requests: 1 }, 0)).toEqual({});
  });
});
