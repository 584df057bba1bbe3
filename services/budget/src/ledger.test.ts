import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Amounts } from './amounts.ts';
import type { Authored, Command } from './entry.ts';
import { believing, orderOf } from './fixtures/orders.ts';
import { EXPIRY_MARGIN_MS, Ledger, LIFE_MS_MAX, RECOVERY_MS } from './ledger.ts';
import { type Limit, limitsOf } from './limits.ts';
import type { Outcome } from './outcome.ts';

const START_MS = Date.UTC(2026, 0, 5, 12, 0, 0);
const TOKENS_A_MINUTE: Limit = { scope: 'user', subject: '', unit: 'llm_tokens', window: 'minute', limit: 100 };

/** A ledger whose clock and log positions are turned by hand. */
function books(...limits: Limit[]) {
  const ledger = new Ledger(believing, limits);
  let position = 0;
  let nowMs = START_MS;
  const apply = (command: Command, over: Partial<Authored> = {}): Outcome => {
    position += 1;
    const author = { incarnation: 'one', replica: 'b1', boot: 1, counter: position, atMs: nowMs };
    return ledger.apply({ ...author, ...over, command }, position, nowMs);
  };
  apply({ kind: 'begin' });
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
let orders = 0;
const setLimit = (limit: Limit, over: Parameters<typeof orderOf>[2] = {}): Command => {
  const order = orderOf(limit, `order-${(orders += 1)}`, { notAfterMs: START_MS + 600_000, ...over });
  return { kind: 'set-limit', order };
};
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

  it('tells with a grant what each limit of what was asked leaves, with what others hold gone; and with a cover of nothing more, nothing', () => {
    const fleet: Limit = { ...TOKENS_A_MINUTE, scope: 'fleet', window: 'day', limit: 500 };
    const { reserve, apply } = books(TOKENS_A_MINUTE, fleet, { ...TOKENS_A_MINUTE, unit: 'requests', limit: 9 });
    reserve('a', { llm_tokens: 60 }, 'bob');
    const outcome = reserve('b', { llm_tokens: 30 });
    expect(outcome).toMatchObject({
      limits: [
        { limit: 'user/llm_tokens/minute', limitValue: 100, left: 70, refillsMs: START_MS + 60_000 },
        { limit: 'fleet/llm_tokens/day', limitValue: 500, left: 410, refillsMs: Date.UTC(2026, 0, 6) },
      ],
    });
    const cover: Command = { kind: 'extend', reservation: idOf(outcome), key: 'x', more: {}, spent: { llm_tokens: 5 } };
    expect(apply(cover)).toMatchObject({ kind: 'granted', limits: [] });
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
    // Truth that comes too late is told apart; the window may have been granted out.
    expect(settle(id, { llm_tokens: 60 })).toMatchObject({ charged: { llm_tokens: 20 }, overrun: { llm_tokens: 40 } });
    expect(settle(id, { llm_tokens: 60 })).toMatchObject({ charged: { llm_tokens: 20 }, overrun: { llm_tokens: 40 } });
    expect(line()).toMatchObject({ charged: 20, reserved: 1, overrun: 40 });
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
    const ledger = new Ledger(believing, [TOKENS_A_MINUTE]);
    const command: Command = {
      kind: 'reserve',
      key: 'a',
      tenant: 'acme',
      user: 'ada',
      amounts: { llm_tokens: 100 },
      lifeMs: 1_000,
    };
    const author = { incarnation: 'one', replica: 'b1', boot: 1, atMs: START_MS };
    ledger.apply({ ...author, counter: 1, command: { kind: 'begin' } }, 1, START_MS);
    ledger.apply({ ...author, counter: 2, command }, 2, START_MS + 86_400_000);
    // Booked into the minute that it is, which ends when it would have ended.
    const [line] = ledger.usage({ tenant: 'acme', user: 'ada' }, START_MS);
    expect(line).toMatchObject({ reserved: 100, refillsMs: START_MS + 60_000 });
  });
});

describe('a holder that reports', () => {
  const cover = (reservation: string, key: string, more: number, spent: number): Command => ({
    kind: 'extend',
    reservation,
    key,
    more: { llm_tokens: more },
    spent: { llm_tokens: spent },
  });
  const died = (pass: (ms: number) => void, apply: (command: Command) => Outcome) => {
    pass(10_000 + EXPIRY_MARGIN_MS + 1_000);
    apply({ kind: 'tick' });
  };

  it('is charged for what it said it would use of the very extension that it asked for', () => {
    const { apply, reserve, line, pass } = books({ ...TOKENS_A_MINUTE, window: 'day' });
    const id = idOf(reserve('a', { llm_tokens: 10 }));
    expect(apply(cover(id, 'x', 20, 30)).kind).toBe('granted');
    died(pass, apply);
    expect(line()).toMatchObject({ charged: 30, reserved: 0 });
  });

  it('is covered by an extension that is refused only up to what it held', () => {
    const { apply, reserve, line, pass } = books({ ...TOKENS_A_MINUTE, window: 'day' });
    const id = idOf(reserve('a', { llm_tokens: 60 }));
    expect(apply(cover(id, 'x', 50, 110)).kind).toBe('refused');
    died(pass, apply);
    expect(line()).toMatchObject({ charged: 60, reserved: 0 });
  });

  it('is charged for the request itself when it dies without a word', () => {
    const { apply, reserve, line, pass } = books({ ...TOKENS_A_MINUTE, unit: 'requests', window: 'day' });
    reserve('a', { requests: 1 });
    died(pass, apply);
    expect(line()).toMatchObject({ charged: 1, reserved: 0 });
  });

  it('is refused past its end, before its reservation is closed', () => {
    const { apply, reserve, pass } = books(TOKENS_A_MINUTE);
    const id = idOf(reserve('a', { llm_tokens: 10 }));
    pass(10_001);
    expect(apply(cover(id, 'x', 1, 0))).toEqual({ kind: 'rejected', reason: 'closed-reservation' });
  });

  it('gets no second use of a key whose reservation is settled', () => {
    const { reserve, settle } = books(TOKENS_A_MINUTE);
    settle(idOf(reserve('a', { llm_tokens: 10 })), { llm_tokens: 10 });
    expect(reserve('a', { llm_tokens: 10 })).toEqual({ kind: 'rejected', reason: 'closed-reservation' });
  });
});

describe('entries that should not be there', () => {
  it('change nothing when they are replayed: a raised limit does not come back', () => {
    const { apply, reserve } = books(TOKENS_A_MINUTE);
    const raise = setLimit({ ...TOKENS_A_MINUTE, limit: 1_000 });
    apply(raise, { counter: 100 });
    apply(setLimit({ ...TOKENS_A_MINUTE, limit: 10 }), { counter: 101 });
    expect(apply(raise, { counter: 100 })).toEqual({ kind: 'rejected', reason: 'replayed' });
    expect(reserve('a', { llm_tokens: 11 }).kind).toBe('rejected');
    expect(
      apply({ kind: 'reserve', key: 'a', tenant: 'acme', user: 'ada', amounts: { llm_tokens: 11 }, lifeMs: 1 }, { counter: 102 })
        .kind,
    ).toBe('refused');
  });

  it('change nothing when they were written for another log', () => {
    const { apply, line } = books(TOKENS_A_MINUTE);
    const command: Command = { kind: 'reserve', key: 'a', tenant: 'acme', user: 'ada', amounts: { llm_tokens: 9 }, lifeMs: 1 };
    expect(apply(command, { incarnation: 'two' })).toEqual({ kind: 'rejected', reason: 'other-incarnation' });
    expect(line()).toMatchObject({ reserved: 0 });
  });

  it('cannot push a sum beyond what is exact', () => {
    const { apply, reserve } = books();
    const id = idOf(reserve('a', { llm_tokens: Number.MAX_SAFE_INTEGER }));
    expect(reserve('b', { llm_tokens: 1 })).toEqual({ kind: 'rejected', reason: 'sum-too-large' });
    expect(apply({ kind: 'extend', reservation: id, key: 'x', more: { llm_tokens: 1 }, spent: {} })).toEqual({
      kind: 'rejected',
      reason: 'sum-too-large',
    });
  });

  it('never make the fold throw, whatever they say', () => {
    const number = fc.oneof(fc.nat(100), fc.constantFrom(0, Number.MAX_SAFE_INTEGER));
    const amounts = fc.dictionary(fc.constantFrom('requests', 'llm_tokens', 'asr_ms'), number);
    const reservation = fc.constantFrom('r2-b1-1-2', 'r3-b1-1-3', '');
    const key = fc.constantFrom('a', 'b', '\ud800');
    const command = fc.oneof(
      fc.record({ kind: fc.constant('reserve'), key, tenant: key, user: key, amounts, lifeMs: number }),
      fc.record({ kind: fc.constant('extend'), reservation, key, more: amounts, spent: amounts }),
      fc.record({ kind: fc.constant('settle'), reservation, spent: amounts }),
      fc.constantFrom({ kind: 'tick' }, { kind: 'begin' }, { kind: 'recover', lostPosition: 1, lostIncarnation: '' }),
    ) as fc.Arbitrary<Command>;
    fc.assert(
      fc.property(fc.array(fc.tuple(command, number), { maxLength: 30 }), (entries) => {
        const { apply, line } = books(TOKENS_A_MINUTE);
        for (const [each, atMs] of entries) apply(each, { atMs });
        const { charged = 0, reserved = 0 } = line() ?? {};
        expect(charged + reserved).toBeLessThanOrEqual(100);
      }),
    );
  });
});

describe('a ledger that has lost entries', () => {
  it('settles, but grants nothing until all that may have been held in them has ended', () => {
    const { apply, reserve, settle, pass } = books(TOKENS_A_MINUTE);
    const id = idOf(reserve('a', { llm_tokens: 10 }));
    apply({ kind: 'recover', lostPosition: 9, lostIncarnation: 'one' });
    expect(settle(id, { llm_tokens: 1 }).kind).toBe('settled');
    expect(reserve('b', { llm_tokens: 10 })).toEqual({ kind: 'rejected', reason: 'recovering' });
    pass(RECOVERY_MS + 1);
    expect(reserve('b', { llm_tokens: 10 }).kind).toBe('granted');
  });
});

describe('a ledger with several limits', () => {
  it('names the one that refills last, for before that trying again is in vain', () => {
    const { reserve } = books(TOKENS_A_MINUTE, { ...TOKENS_A_MINUTE, window: 'day' }, { ...TOKENS_A_MINUTE, window: 'hour' });
    reserve('a', { llm_tokens: 100 });
    expect(reserve('b', { llm_tokens: 1 })).toMatchObject({ limit: 'user/llm_tokens/day', left: 0 });
  });

  it('keeps an operator’s limit when a newer pack comes, and takes no older pack', () => {
    const { apply, reserve } = books(TOKENS_A_MINUTE);
    const pack = (sequence: number, limit: number): Command => ({
      kind: 'adopt-limits',
      generation: 1,
      sequence,
      limits: [{ ...TOKENS_A_MINUTE, limit }],
    });
    apply(pack(5, 40));
    apply(pack(4, 1_000));
    expect(reserve('a', { llm_tokens: 41 })).toMatchObject({ kind: 'refused', limitValue: 40 });
    apply(setLimit({ ...TOKENS_A_MINUTE, limit: 20 }, { generation: 1 }));
    apply(pack(6, 1_000));
    expect(reserve('b', { llm_tokens: 21 })).toMatchObject({ kind: 'refused', limitValue: 20 });
  });

  it('does not take one tenant’s user for another’s', () => {
    const accounts = (tenant: string, user: string) =>
      limitsOf([TOKENS_A_MINUTE], { tenant, user }).map(({ account }) => account);
    expect(accounts('a/b', 'c')).not.toEqual(accounts('a', 'b/c'));
  });

  it('grants all of them or none', () => {
    const { reserve, line } = books(TOKENS_A_MINUTE, { ...TOKENS_A_MINUTE, scope: 'fleet', limit: 50 });
    expect(reserve('a', { llm_tokens: 60 })).toMatchObject({ kind: 'refused', limit: 'fleet/llm_tokens/minute' });
    expect(line()).toMatchObject({ reserved: 0 });
  });

  it('prefers the limit that was set for the very user', () => {
    const { apply, reserve } = books(TOKENS_A_MINUTE);
    apply(setLimit({ ...TOKENS_A_MINUTE, subject: 'acme/ada', limit: 10 }));
    expect(reserve('a', { llm_tokens: 11 }).kind).toBe('refused');
    expect(reserve('b', { llm_tokens: 100 }, 'bob').kind).toBe('granted');
  });

  it('grants nothing while a lowered limit is below what is out', () => {
    const { apply, reserve, settle } = books(TOKENS_A_MINUTE);
    const id = idOf(reserve('a', { llm_tokens: 80 }));
    apply(setLimit({ ...TOKENS_A_MINUTE, limit: 50 }));
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
        pass(LIFE_MS_MAX + EXPIRY_MARGIN_MS + 1_000);
        reserve('last', { llm_tokens: 0 });
        expect(line()).toMatchObject({ reserved: 0, charged: 0 });
      }),
    );
  });
});
