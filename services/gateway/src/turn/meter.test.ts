import { type Amount, type ExtendRequest, type ReserveRequest, Unit } from '@smartlite/contracts';
import { manualClock } from '@smartlite/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LedgerLine } from '../engine.ts';
import type { MeteredUnit } from './counts.ts';
import { Meter } from './meter.ts';

const LIFE_MS = 60_000;
const UNIT_OF: Readonly<Record<MeteredUnit, Unit>> = {
  requests: Unit.UNIT_REQUESTS,
  llmTokens: Unit.UNIT_LLM_TOKENS,
  asrMs: Unit.UNIT_ASR_MILLISECONDS,
  ttsCharacters: Unit.UNIT_TTS_CHARACTERS,
};

/** Books with one limit for every unit. What it would charge if the holder died at this moment is `covered`. */
class Books implements LedgerLine {
  readonly held = new Map<Unit, number>();
  readonly covered = new Map<Unit, number>();
  readonly limit: number;
  extensions = 0;
  settled: readonly Amount[] | undefined;
  /** Commands are applied when they come; their answers wait for this. */
  answers: Promise<unknown> = Promise.resolve();

  constructor(limit = 1e9) {
    this.limit = limit;
  }

  async reserve({ amounts, covered }: ReserveRequest) {
    const outcome = this.#take(amounts, covered);
    await this.answers;
    return { outcome };
  }

  async extend({ more, spent }: ExtendRequest) {
    this.extensions += 1;
    const outcome = this.#take(more, spent);
    await this.answers;
    return { outcome };
  }

  async settle({ spent }: { readonly spent: Amount[] }) {
    this.settled = spent;
    return { charged: spent, freed: [] };
  }

  of(map: ReadonlyMap<Unit, number>, unit: MeteredUnit): number {
    return map.get(UNIT_OF[unit]) ?? 0;
  }

  #take(more: readonly Amount[], spent: readonly Amount[]) {
    const over = more.find(({ unit, value }) => (this.held.get(unit) ?? 0) + Number(value) > this.limit);
    if (!over) for (const { unit, value } of more) this.held.set(unit, (this.held.get(unit) ?? 0) + Number(value));
    for (const { unit, value } of spent)
      this.covered.set(unit, Math.min(this.held.get(unit) ?? 0, Math.max(this.covered.get(unit) ?? 0, Number(value))));
    if (!over) return { $case: 'granted' as const, value: { id: 'r', amounts: [], notAfterUnixMs: 0n, limits: [] } };
    const left = BigInt(this.limit - (this.held.get(over.unit) ?? 0));
    return {
      $case: 'refused' as const,
      value: { limit: 'user/x/day', limitValue: BigInt(this.limit), left, refillsUnixMs: 1_767_225_660_000n },
    };
  }
}

const clock = manualClock();
const open = (books: Books, first = {}, covering = {}, time = clock) =>
  Meter.open(books, { key: 'k', tenant: 't', user: 'u', lifeMs: LIFE_MS, clock: time }, first, covering);
/** Lets everything that is on its way arrive. */
const settleDown = () => new Promise((resolve) => setImmediate(resolve));

describe('a meter', () => {
  it('uses nothing that the ledger does not know of, in whatever order work of all kinds comes', async () => {
    const step = fc.record({
      unit: fc.constantFrom<MeteredUnit>('llmTokens', 'asrMs', 'ttsCharacters'),
      amount: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.double({ min: 0.1, max: 40, noNaN: true })),
      hold: fc.integer({ min: 0, max: 400 }),
      wait: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 50, max: 3_000 }), async (steps, limit) => {
        const books = new Books(limit);
        const meter = await open(books, { llmTokens: 20 }, { llmTokens: 20 });
        const spent: Promise<unknown>[] = [];
        for (const { unit, amount, hold, wait } of steps) {
          if (hold > 300) await meter.hold(unit, hold).catch(() => undefined);
          const spending = meter.spend(unit, amount).then(
            () => expect(books.of(books.covered, unit)).toBeGreaterThanOrEqual(meter.used(unit)),
            (caught: unknown) => expect(caught).toMatchObject({ code: 'over-budget' }),
          );
          spent.push(spending);
          if (wait) await spending;
        }
        await Promise.all(spent);
        for (const unit of ['llmTokens', 'asrMs', 'ttsCharacters'] as const)
          expect(books.of(books.held, unit)).toBeGreaterThanOrEqual(meter.used(unit));
      }),
    );
  });

  it('waits with the first token of a step until the ledger has answered, and counts it only then', async () => {
    const books = new Books();
    const meter = await open(books);
    await meter.hold('llmTokens', 100);
    const answered = Promise.withResolvers<void>();
    books.answers = answered.promise;
    let gone = false;
    const spending = meter.spend('llmTokens', 1).then(() => (gone = true));
    await settleDown();
    expect([gone, meter.used('llmTokens')]).toEqual([false, 0]);
    answered.resolve();
    await spending;
    expect(meter.used('llmTokens')).toBe(1);
  });

  it('writes an entry a step and not one a token, and streams on while the next step is on its way', async () => {
    const books = new Books();
    const meter = await open(books, { llmTokens: 300 }, { llmTokens: 40 });
    const answered = Promise.withResolvers<void>();
    books.answers = answered.promise;
    for (let token = 0; token < 40; token += 1) await meter.spend('llmTokens', 1);
    answered.resolve();
    for (let token = 0; token < 260; token += 1) await meter.spend('llmTokens', 1);
    expect(meter.used('llmTokens')).toBe(300);
    expect(books.extensions).toBeLessThanOrEqual(10);
  });

  it('asks the ledger once for the whole of an answer and its first step', async () => {
    const books = new Books();
    const meter = await open(books, { llmTokens: 32 });
    await meter.hold('llmTokens', 150, 84);
    await meter.spend('llmTokens', 20);
    expect([books.extensions, books.of(books.covered, 'llmTokens')]).toEqual([1, 84]);
  });

  it('takes what is left where a whole step is not, and refuses what is more', async () => {
    const books = new Books(25);
    const meter = await open(books);
    await meter.spend('llmTokens', 20);
    await expect(meter.spend('llmTokens', 6)).rejects.toMatchObject({ code: 'over-budget', facts: { left: '0' } });
    await meter.spend('llmTokens', 5);
    expect(meter.used('llmTokens')).toBe(25);
  });

  it('holds what is left of an answer’s tokens, but not less than an answer needs', async () => {
    const meter = await open(new Books(60), { llmTokens: 10 });
    expect(await meter.holdUpTo('llmTokens', 200, 30, 40)).toBe(60);
    const poor = await open(new Books(20), { llmTokens: 10 });
    await expect(poor.holdUpTo('llmTokens', 200, 30, 40)).rejects.toMatchObject({ code: 'over-budget' });
  });

  it.each([
    ['has passed', (time: ReturnType<typeof manualClock>) => time.advance(LIFE_MS)],
    ['has passed while the machine slept', (time: ReturnType<typeof manualClock>) => time.stepWall(LIFE_MS)],
  ])('uses nothing more when its life %s, not even what is covered', async (_what, pass) => {
    const time = manualClock();
    const books = new Books();
    const meter = await open(books, { llmTokens: 10 }, { llmTokens: 10 }, time);
    await meter.spend('llmTokens', 5);
    pass(time);
    await expect(meter.spend('llmTokens', 1)).rejects.toMatchObject({ code: 'deadline-exceeded' });
    await expect(meter.hold('ttsCharacters', 5)).rejects.toMatchObject({ code: 'deadline-exceeded' });
    await meter.settle();
    expect(books.settled).toEqual([
      { unit: Unit.UNIT_REQUESTS, value: 1n },
      { unit: Unit.UNIT_LLM_TOKENS, value: 5n },
    ]);
  });

  it('counts its life from before it asked, however late the answer comes', async () => {
    const time = manualClock();
    const books = new Books();
    const answered = Promise.withResolvers<void>();
    books.answers = answered.promise;
    const opening = open(books, {}, {}, time);
    time.advance(LIFE_MS);
    answered.resolve();
    await expect(opening).rejects.toMatchObject({ code: 'deadline-exceeded' });
  });

  it('is settled once, however often that is asked', async () => {
    const books = new Books();
    const meter = await open(books);
    await meter.settle();
    books.settled = undefined;
    await meter.settle();
    expect(books.settled).toBeUndefined();
  });
});
