import { Scope, Unit } from '@smartlite/contracts';
import { describe, expect, it } from 'vitest';
import { limitOf, usageRow } from './words.ts';

const EVERYONE = { tenant: undefined, user: undefined };

describe('a limit as a person gives it', () => {
  it('is counted in the ledger’s units', () => {
    expect(limitOf(['fleet', 'asr_seconds', 'day'], '90', EVERYONE)).toEqual({
      scope: 'fleet',
      subject: '',
      unit: 'asr_ms',
      window: 'day',
      limit: 90_000,
    });
  });

  it('names a user within a tenant, "local" when none is given, and keeps slashes apart', () => {
    const subject = (tenant: string | undefined, user: string) =>
      limitOf(['user', 'requests', 'minute'], '5', { tenant, user }).subject;
    expect(subject(undefined, 'ada')).toBe('local/ada');
    expect(subject('a/b', 'c')).not.toBe(subject('a', 'b/c'));
  });

  it.each([
    [['fleet', 'tokens', 'day'], '1', EVERYONE, 'unit "tokens"'],
    [['team', 'requests', 'day'], '1', EVERYONE, 'scope "team"'],
    [['toString', 'requests', 'day'], '1', EVERYONE, 'scope "toString"'],
    [['fleet', 'requests', 'month'], '1', EVERYONE, 'window "month"'],
    [['fleet', 'asr_seconds', 'day'], '999999999999999', EVERYONE, 'larger'],
    [['fleet', 'requests', 'day'], '1.5', EVERYONE, 'whole number'],
    [['fleet', 'requests', 'day'], '-1', EVERYONE, 'whole number'],
    [['fleet', 'requests', 'day'], '1', { tenant: 'acme', user: undefined }, 'no tenant'],
    [['tenant', 'requests', 'day'], '1', { tenant: 'acme', user: 'ada' }, 'no user'],
    [['user', 'requests', 'day'], '1', { tenant: 'acme', user: undefined }, 'Which user'],
  ] as const)('%j %s for %j is misuse that says what is wrong', (words, value, whom, message) => {
    expect(() => limitOf(words, value, whom)).toThrow(
      expect.objectContaining({ exitCode: 2, message: expect.stringContaining(message) }),
    );
  });
});

describe('usage as a person reads it', () => {
  it('says seconds for milliseconds, and never less than nothing left', () => {
    const usage = {
      scope: Scope.SCOPE_USER,
      subject: 'acme/ada',
      unit: Unit.UNIT_ASR_MILLISECONDS,
      window: 'minute',
      refillsUnixMs: 0n,
    };
    expect(usageRow({ ...usage, limit: 60_000n, charged: 1_500n, reserved: 90_000n, overrun: 500n })).toEqual({
      scope: 'user',
      subject: 'acme/ada',
      unit: 'asr_seconds',
      window: 'minute',
      limit: 60,
      charged: 1.5,
      reserved: 90,
      left: 0,
      overrun: 0.5,
      refills: '1970-01-01T00:00:00.000Z',
    });
  });
});
