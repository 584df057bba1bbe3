import { Scope, Unit, type Usage } from '@smartlite/contracts';
import { describe, expect, it } from 'vitest';
import { tokensLeft } from './tokensleft.ts';

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
