import type { Clock } from '@smartlite/chassis';
import { type LimitLeft, MeshError, type Reservation, type ReserveResponse } from '@smartlite/contracts';
import type { LedgerLine } from '../engine.ts';
import { amountsOf, type Counts, type MeteredUnit, nothing } from './counts.ts';
import { overBudget, roomIn } from './overbudget.ts';

/**
 * Covered ahead in steps of so much, so that the ledger gets an entry a step and not one a token. It is also the most that a gateway
 * which dies is charged beyond what it used. Characters are covered by the sentence, before it is spoken.
 */
const STEPS: Counts = { requests: 0, llmTokens: 64, asrMs: 10_000, ttsCharacters: 0 };
/** How often what is left is asked for again when others took some of it meanwhile. */
const TRIES_FOR_REST = 3;

export interface MeterRequest {
  readonly key: string;
  readonly tenant: string;
  readonly user: string;
  /** How long it may spend what it holds. */
  readonly lifeMs: number;
  readonly clock: Clock;
}

/**
 * What one request holds, has told the ledger, and has used. Nothing is used before the ledger knows that it may be: a holder that
 * dies is charged for what it has told, so that is never less than what left its gate. Nothing is used after the reservation's life,
 * counted from before it was asked for, by whichever clock went further: the ledger frees the rest some time later.
 */
export class Meter {
  readonly #line: LedgerLine;
  readonly #request: MeterRequest;
  readonly #held = nothing();
  readonly #covered = nothing();
  readonly #used = nothing();
  readonly #sentMs: { readonly wall: number; readonly monotonic: number };
  #id = '';
  #limits: readonly LimitLeft[] = [];
  #extensions = 0;
  #ahead: Promise<void> | undefined;
  #settled: Promise<unknown> | undefined;

  private constructor(line: LedgerLine, request: MeterRequest) {
    this.#line = line;
    this.#request = request;
    this.#sentMs = { wall: request.clock.nowMs(), monotonic: request.clock.monotonicMs() };
  }

  /**
   * Holds the first amounts, one request among them, and covers a part of them with the same command. Throws `over-budget` naming the
   * limit, what is left and when it refills.
   */
  static async open(
    line: LedgerLine,
    request: MeterRequest,
    first: Partial<Counts>,
    covering: Partial<Counts> = {},
  ): Promise<Meter> {
    const meter = new Meter(line, request);
    const { key, tenant, user, lifeMs } = request;
    const [held, covered] = [
      { requests: 1, ...first },
      { requests: 1, ...covering },
    ];
    const amounts = amountsOf(held);
    const { outcome } = await line.reserve({ key, tenant, user, amounts, covered: amountsOf(covered), lifeMs });
    const { id, limits } = meter.#granted(outcome);
    meter.#id = id;
    meter.#limits = limits;
    meter.#book(held, covered);
    await meter.spend('requests', 1);
    return meter;
  }

  get reservation(): string {
    return this.#id;
  }

  /** What the caller's limits left when this was reserved. */
  get limits(): readonly LimitLeft[] {
    return this.#limits;
  }

  used(unit: MeteredUnit): number {
    return Math.ceil(this.#used[unit]);
  }

  /** What is held and not used yet. */
  room(unit: MeteredUnit): number {
    return Math.floor(this.#held[unit] - this.#used[unit]);
  }

  /** Makes sure that `amount` more can be used, and that `covering` of it may be at once. Throws `over-budget`; nothing changes then. */
  async hold(unit: MeteredUnit, amount: number, covering = 0): Promise<void> {
    const lacking = Math.ceil(Math.max(0, this.#used[unit] + amount - this.#held[unit]));
    const cover = this.#used[unit] + covering;
    if (lacking > 0 || cover > this.#covered[unit]) await this.#extend(unit, lacking, cover);
  }

  /** The same for `amount`, or for what is left where that is less but not below `least`. Returns how much can be used. */
  async holdUpTo(unit: MeteredUnit, amount: number, least: number, covering: number): Promise<number> {
    for (let [wanted, tries] = [amount, TRIES_FOR_REST]; ; tries -= 1) {
      try {
        await this.hold(unit, wanted, Math.min(covering, wanted));
        return wanted;
      } catch (caught) {
        const rest = roomIn(caught) ?? 0;
        const room = this.room(unit) + rest;
        if (tries === 0 || room < least || room >= wanted) throw caught;
        wanted = room;
      }
    }
  }

  /**
   * Counts `amount` as used once the ledger knows of it: what it is for happens after this resolves. Throws `over-budget` where it is
   * not held and cannot be.
   */
  async spend(unit: MeteredUnit, amount: number): Promise<void> {
    while (this.#used[unit] + amount > this.#covered[unit]) await this.#cover(unit, amount);
    this.#mustLive();
    this.#used[unit] += amount;
    this.#coverAhead(unit);
  }

  /** Nothing but these units will be charged: what was used of the others has served nobody. What is settled stays. Nothing is used after it. */
  forgo(charged: readonly MeteredUnit[]): void {
    if (this.#settled) return;
    for (const unit of Object.keys(this.#used) as MeteredUnit[]) if (!charged.includes(unit)) this.#used[unit] = 0;
  }

  /** Books what was used and frees the rest. Repeating it changes nothing. */
  async settle(): Promise<void> {
    this.#settled ??= this.#line.settle({ reservationId: this.#id, spent: amountsOf(this.#used) });
    await this.#settled;
  }

  async #cover(unit: MeteredUnit, amount: number): Promise<void> {
    // A step that is on its way may be enough.
    if (this.#ahead) return this.#ahead;
    const needed = this.#used[unit] + amount;
    const lacking = Math.ceil(Math.max(0, needed - this.#held[unit]));
    const upTo = this.#used[unit] + Math.max(amount, STEPS[unit]);
    if (lacking === 0) return this.#extend(unit, 0, Math.min(upTo, this.#held[unit]));
    await this.#extend(unit, Math.max(lacking, STEPS[unit]), upTo).catch(async (caught: unknown) => {
      // Less than a step is left, but enough for this.
      const room = roomIn(caught) ?? 0;
      if (room < lacking || room >= STEPS[unit]) throw caught;
      await this.#extend(unit, room, this.#held[unit] + room);
    });
  }

  /** The next step is covered while this one is used, so that a stream waits for the ledger only where that is slow. */
  #coverAhead(unit: MeteredUnit): void {
    const step = STEPS[unit];
    const upTo = Math.min(this.#used[unit] + step, this.#held[unit]);
    if (this.#ahead || upTo <= this.#covered[unit] || this.#covered[unit] - this.#used[unit] > step / 2) return;
    // One that fails is asked for again when it is needed.
    this.#ahead = this.#extend(unit, 0, upTo)
      .catch(() => undefined)
      .finally(() => (this.#ahead = undefined));
  }

  async #extend(unit: MeteredUnit, more: number, cover: number): Promise<void> {
    this.#mustLive();
    this.#extensions += 1;
    const key = String(this.#extensions);
    const spent = { ...this.#covered, [unit]: Math.max(this.#covered[unit], cover) };
    const request = { reservationId: this.#id, key, more: amountsOf({ [unit]: more }), spent: amountsOf(spent) };
    const { outcome } = await this.#line.extend(request);
    // A cover counts also where more is refused, up to what is held.
    this.#book(outcome?.$case === 'granted' ? { [unit]: more } : {}, { [unit]: cover });
    this.#granted(outcome);
  }

  #book(more: Partial<Counts>, cover: Partial<Counts>): void {
    for (const unit of Object.keys(this.#held) as MeteredUnit[]) {
      this.#held[unit] += Math.ceil(more[unit] ?? 0);
      this.#covered[unit] = Math.min(this.#held[unit], Math.max(this.#covered[unit], Math.ceil(cover[unit] ?? 0)));
    }
  }

  #granted(outcome: ReserveResponse['outcome']): Reservation {
    if (outcome?.$case === 'granted') return outcome.value;
    if (outcome?.$case === 'refused') throw overBudget(outcome.value, this.#request.clock.nowMs());
    throw new MeshError('budget-unavailable', 'the budget gave no answer');
  }

  #mustLive(): void {
    if (this.#settled) throw new MeshError('cancelled', 'the books of this request are closed');
    const { clock, lifeMs } = this.#request;
    const livedMs = Math.max(clock.nowMs() - this.#sentMs.wall, clock.monotonicMs() - this.#sentMs.monotonic);
    if (livedMs >= lifeMs)
      throw new MeshError('deadline-exceeded', `a request may hold its budget for ${lifeMs / 1_000} seconds; ask again`);
  }
}
