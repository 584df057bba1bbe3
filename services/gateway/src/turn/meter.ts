import { type Amount, MeshError, Unit } from '@smartlite/contracts';
import type { LedgerLine } from '../engine.ts';

/** Longest that one turn may hold what it reserved: the audio, the answer and the speech, with room. */
const LIFE_MS = 180_000;

export type MeteredUnit = 'requests' | 'llmTokens' | 'asrMs' | 'ttsCharacters';
const UNITS: Readonly<Record<MeteredUnit, Unit>> = {
  requests: Unit.UNIT_REQUESTS,
  llmTokens: Unit.UNIT_LLM_TOKENS,
  asrMs: Unit.UNIT_ASR_MILLISECONDS,
  ttsCharacters: Unit.UNIT_TTS_CHARACTERS,
};
type Counts = Record<MeteredUnit, number>;

export interface MeterRequest {
  readonly key: string;
  readonly tenant: string;
  readonly user: string;
  readonly nowMs: () => number;
}

/**
 * What one request holds and has used. Work of a kind begins only after enough is held for it, and is counted as it happens, so
 * that `settle` books what was really used at whatever moment it comes.
 */
export class Meter {
  readonly #line: LedgerLine;
  readonly #request: MeterRequest;
  readonly #held: Counts = { requests: 0, llmTokens: 0, asrMs: 0, ttsCharacters: 0 };
  readonly #used: Counts = { requests: 0, llmTokens: 0, asrMs: 0, ttsCharacters: 0 };
  #id = '';
  #extensions = 0;
  #settled = false;

  private constructor(line: LedgerLine, request: MeterRequest) {
    this.#line = line;
    this.#request = request;
  }

  /** Holds the first amounts, one request among them. Throws `over-budget` naming the limit, what is left and when it refills. */
  static async open(line: LedgerLine, request: MeterRequest, first: Partial<Counts>): Promise<Meter> {
    const meter = new Meter(line, request);
    const { key, tenant, user } = request;
    const amounts = { requests: 1, ...first };
    const { outcome } = await line.reserve({ key, tenant, user, amounts: amountsOf(amounts), lifeMs: LIFE_MS });
    meter.#id = meter.#granted(outcome);
    meter.#add(amounts);
    meter.use('requests', 1);
    return meter;
  }

  get reservation(): string {
    return this.#id;
  }

  used(unit: MeteredUnit): number {
    return Math.ceil(this.#used[unit]);
  }

  /** Makes sure that `amount` more can be used, holding at least `step` more where it cannot. Throws `over-budget`; nothing changes then. */
  async hold(unit: MeteredUnit, amount: number, step = 0): Promise<void> {
    const lacking = this.#used[unit] + amount - this.#held[unit];
    if (lacking > 0) await this.#extend(unit, Math.max(lacking, step));
  }

  /** Counts what happened. */
  use(unit: MeteredUnit, amount: number): void {
    this.#used[unit] += amount;
  }

  /** Books what was used and frees the rest. Repeating it changes nothing. */
  async settle(): Promise<void> {
    if (this.#settled) return;
    this.#settled = true;
    await this.#line.settle({ reservationId: this.#id, spent: amountsOf(this.#used) });
  }

  async #extend(unit: MeteredUnit, more: number): Promise<void> {
    this.#extensions += 1;
    const request = {
      reservationId: this.#id,
      key: String(this.#extensions),
      more: amountsOf({ [unit]: more }),
      spent: amountsOf(this.#used),
    };
    const { outcome } = await this.#line.extend(request);
    this.#granted(outcome);
    this.#add({ [unit]: more });
  }

  #granted(outcome: Awaited<ReturnType<LedgerLine['reserve']>>['outcome']): string {
    if (outcome?.$case === 'granted') return outcome.value.id;
    if (outcome?.$case !== 'refused') throw new MeshError('budget-unavailable', 'the budget gave no answer');
    const { limit, limitValue, left, refillsUnixMs } = outcome.value;
    const retryAfterMs = Math.max(1_000, Number(refillsUnixMs) - this.#request.nowMs());
    const facts = {
      limit,
      limit_value: String(limitValue),
      left: String(left),
      refills: new Date(Number(refillsUnixMs)).toISOString(),
    };
    throw new MeshError(
      'over-budget',
      `the limit ${limit} of ${limitValue} is reached, ${left} are left; it refills at ${facts.refills}`,
      { facts, retryAfterMs },
    );
  }

  #add(amounts: Partial<Counts>): void {
    for (const unit of Object.keys(UNITS) as MeteredUnit[]) this.#held[unit] += Math.ceil(amounts[unit] ?? 0);
  }
}

function amountsOf(counts: Partial<Counts>): Amount[] {
  return (Object.keys(UNITS) as MeteredUnit[])
    .filter((unit) => (counts[unit] ?? 0) > 0)
    .map((unit) => ({ unit: UNITS[unit], value: BigInt(Math.ceil(counts[unit] ?? 0)) }));
}
