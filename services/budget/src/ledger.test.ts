import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Amounts } from './amounts.ts';
import type { Authored, Command } from './entry.ts';
import { Ledger, LIFE_MS_MAX, type Outcome } from './ledger.ts';
import type { Limit } from './limits.ts';

const START_MS = Date.UTC(2026, 0, 5, 12, 0, 0);
const TOKENS_A_MINUTE: Limit = { scope: 'user', subject: '', unit: 'llm_tokens', window: 'minute', limit: 100 };

/** A ledger whose clock and log positions are turned by hand. */
function books(...limits: Limit[]) {
  const ledger = new Ledger(limits);
  let position = 0;
  let nowMs = START_MS;
  const apply = (command: Command, over: Partial<Authored> = {}): Outcome => {
    position += 1;
    return ledger.apply({ replica: 'b1', boot: 1, atMs: nowMs, ...over, command }, position, nowMs);
  };
  return {
    ledger,
    apply,
    pass: (ms: number) => void (nowMs += ms),
    reserve: (key: string, amounts: Amounts, user = 'ada') =>
      apply({ kind: 'reserve', key, tenant: 'acme', user, amounts, lifeMs: 10_000 }),
    settle: (reservation: string, spent: Amounts) => apply({ kind: 'settle', reservation, spent }),
    line: (user = 'ada') => ledger.usage({ tenant: 'acme', user }, nowMs)[0],
  };
}
const idOf = (outcome: Outcome) => (outcome.kind === 'granted' ? outcome.reservation : '');

describe('a ledger with a limit of 100 tokens a minute', () => {
  it('grants up to the limit and names the limit, what is left and when it refills to whom it refuses', () => {
    const { reserve } = books(TOKENS_A_MINUTE);
    expect(reserve('a', { llm_tokens: 60 }).kind).toBe('granted');
    expect(reserve('b', { llm_tokens: 41 })).toEqual({
      kind: 'refused',
      limit: 'user/llm_tokens/minute',
      subject: 'acme/ada',
      limitValue: 100,
      left: 40,
      refillsMs: START_MS + 60_000,
    });
    expect(reserve('c', { llm_tokens: 40 }).kind).toBe('granted');
  });

  it('holds once for a key that is used twice, and answers with the first grant', () => {
    const { reserve, line } = books(TOKENS_A_MINUTE);
    expect(reserve('a', { llm_tokens: 60 })).toEqual(reserve('a', { llm_tokens: 60 }));
    expect(line()).toMatchObject({ reserved: 60 });
  });

  it('keeps the keys of two tenants apart', () => {
    const { apply, reserve } = books(TOKENS_A_MINUTE);
    const mine = reserve('a', { llm_tokens: 60 });
    const theirs = apply({ kind: 'reserve', key: 'a', tenant: 'other', user: 'ada', amounts: { llm_tokens: 5 }, lifeMs: 1 });
    expect(idOf(theirs)).not.toBe(idOf(mine));
  });

  it('books what was spent and frees the rest, and the second settlement changes nothing', () => {
    const { reserve, settle, line } = books(TOKENS_A_MINUTE);
    const id = idOf(reserve('a', { llm_tokens: 60 }));
    const first = settle(id, { llm_tokens: 25 });
    expect(first).toEqual({ kind: 'settled', charged: { llm_tokens: 25 }, freed: { llm_tokens: 35 }, overrun: {} });
    expect(settle(id, { llm_tokens: 60 })).toEqual(first);
    expect(line()).toMatchObject({ charged: 25, reserved: 0 });
  });

  it('never charges more than was held, and reports the rest as overrun', () => {
    const { reserve, settle, line } = books(TOKENS_A_MINUTE);
    expect(settle(idOf(reserve('a', { llm_tokens: 60 })), { llm_tokens: 70 })).toMatchObject({
      charged: { llm_tokens: 60 },
      overrun: { llm_tokens: 10 },
    });
    expect(line()).toMatchObject({ charged: 60, reserved: 0 });
  });

  it('starts the next minute afresh, and books a late settlement into the minute of its admission', () => {
    const { reserve, settle, line, pass } = books(TOKENS_A_MINUTE);
    pass(55_000);
    const id = idOf(reserve('a', { llm_tokens: 100 }));
    pass(6_000);
    expect(reserve('b', { llm_tokens: 100 }).kind).toBe('granted');
    settle(id, { llm_tokens: 100 });
    expect(line()).toMatchObject({ charged: 0, reserved: 100 });
  });

  it('charges a holder that died for what it had reported, and frees the rest', () => {
    const { apply, reserve, settle, line, pass } = books({ ...TOKENS_A_MINUTE, window: 'day' });
    const id = idOf(reserve('a', { llm_tokens: 60 }));
    apply({ kind: 'extend', reservation: id, key: 'x1', more: {}, spent: { llm_tokens: 20 } });
    pass(20_000);
    reserve('b', { llm_tokens: 1 });
    expect(line()).toMatchObject({ charged: 20, reserved: 1 });
    expect(settle(id, { llm_tokens: 60 })).toMatchObject({ kind: 'settled', charged: { llm_tokens: 20 } });
  });

  it('extends once for a key that is used twice', () => {
    const { apply, reserve, line } = books(TOKENS_A_MINUTE);
    const id = idOf(reserve('a', { llm_tokens: 60 }));
    const more: Command = { kind: 'extend', reservation: id, key: 'x', more: { llm_tokens: 30 }, spent: {} };
    expect(apply(more)).toEqual(apply(more));
    expect(line()).toMatchObject({ reserved: 90 });
    expect(apply({ ...more, key: 'y' }).kind).toBe('refused');
  });

  it('refuses an older life of a replica', () => {
    const { apply, reserve } = books(TOKENS_A_MINUTE);
    const id = idOf(reserve('a', { llm_tokens: 60 }));
    apply({ kind: 'release', reservation: 'none' }, { boot: 2 });
    expect(apply({ kind: 'settle', reservation: id, spent: {} }, { boot: 1 })).toEqual({
      kind: 'rejected',
      reason: 'older-boot',
    });
  });

  it('is not frozen by a server clock that steps a day ahead', () => {
    const ledger = new Ledger([TOKENS_A_MINUTE]);
    const command: Command = {
      kind: 'reserve',
      key: 'a',
      tenant: 'acme',
      user: 'ada',
      amounts: { llm_tokens: 100 },
      lifeMs: 1_000,
    };
    ledger.apply({ replica: 'b1', boot: 1, atMs: START_MS, command }, 1, START_MS + 86_400_000);
    expect(ledger.usage({ tenant: 'acme', user: 'ada' }, START_MS)[0]).toMatchObject({ reserved: 100 });
  });
});

describe('a ledger with several limits', () => {
  it('grants all of them or none', () => {
    const { reserve, line } = books(TOKENS_A_MINUTE, { ...TOKENS_A_MINUTE, scope: 'fleet', limit: 50 });
    expect(reserve('a', { llm_tokens: 60 })).toMatchObject({ kind: 'refused', limit: 'fleet/llm_tokens/minute' });
    expect(line()).toMatchObject({ reserved: 0 });
  });

  it('prefers the limit that was set for the very user', () => {
    const { apply, reserve } = books(TOKENS_A_MINUTE);
    apply({ kind: 'set-limit', limit: { ...TOKENS_A_MINUTE, subject: 'acme/ada', limit: 10 } });
    expect(reserve('a', { llm_tokens: 11 }).kind).toBe('refused');
    expect(reserve('b', { llm_tokens: 100 }, 'bob').kind).toBe('granted');
  });

  it('grants nothing while a lowered limit is below what is out', () => {
    const { apply, reserve, settle } = books(TOKENS_A_MINUTE);
    const id = idOf(reserve('a', { llm_tokens: 80 }));
    apply({ kind: 'set-limit', limit: { ...TOKENS_A_MINUTE, limit: 50 } });
    expect(reserve('b', { llm_tokens: 1 })).toMatchObject({ kind: 'refused', left: 0 });
    settle(id, { llm_tokens: 20 });
    expect(reserve('c', { llm_tokens: 30 }).kind).toBe('granted');
  });
});

/** An independent re-addition: no sums kept, every question answered from the whole history. */
function outstanding(history: readonly { granted: number; spent: number | undefined }[]): number {
  return history.reduce((sum, { granted, spent }) => sum + (spent === undefined ? granted : Math.min(spent, granted)), 0);
}

describe('any history of a ledger', () => {
  const step = fc.record({
    kind: fc.constantFrom('reserve', 'settle', 'release', 'repeat'),
    amount: fc.nat(60),
    pick: fc.nat(1_000),
  });

  it('never holds and charges more than the limit (no-overspend), and agrees with a re-addition of the whole history', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const { reserve, settle, line } = books(TOKENS_A_MINUTE);
        const history = new Map<string, { granted: number; spent: number | undefined }>();
        steps.forEach(({ kind, amount, pick }, index) => {
          const ids = [...history.keys()];
          const id = ids[pick % Math.max(1, ids.length)] ?? '';
          if (kind === 'reserve' || ids.length === 0) {
            const outcome = reserve(`k${index}`, { llm_tokens: amount });
            if (outcome.kind === 'granted') history.set(outcome.reservation, { granted: amount, spent: undefined });
          } else if (kind !== 'repeat') {
            const spent = kind === 'settle' ? amount : 0;
            settle(id, { llm_tokens: spent });
            const known = history.get(id);
            if (known?.spent === undefined) history.set(id, { granted: known?.granted ?? 0, spent });
          } else settle(id, { llm_tokens: amount });
          const { charged = 0, reserved = 0 } = line() ?? {};
          expect(charged + reserved).toBeLessThanOrEqual(100);
          if (kind !== 'repeat') expect(charged + reserved).toBe(outstanding([...history.values()]));
          else history.forEach((entry, key) => key === id && entry.spent === undefined && (entry.spent = amount));
        });
      }),
    );
  });

  it('leaks nothing: when all reservations are past their life, only charges are left', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30), { maxLength: 20 }), (amounts) => {
        const { reserve, line, pass } = books({ ...TOKENS_A_MINUTE, window: 'day', limit: 1_000 });
        amounts.forEach((amount, index) => reserve(`k${index}`, { llm_tokens: amount }));
        pass(LIFE_MS_MAX + 10_000);
        reserve('last', { llm_tokens: 0 });
        expect(line()).toMatchObject({ reserved: 0, charged: 0 });
      }),
    );
  });
});
