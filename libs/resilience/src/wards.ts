import { Breaker, type BreakerState } from './breaker.ts';

/** A breaker as another instance of the same service tells of it. */
export interface Hint {
  readonly instance: string;
  readonly model: string;
  readonly state: BreakerState['kind'];
  readonly because: string;
}

export interface WardsOptions {
  readonly nowMs: () => number;
  readonly onChange: (model: string, state: BreakerState) => void;
  /** What the other instances say now. */
  readonly hints: () => readonly Hint[];
}

/** The models in a relay's care: their breakers, what they owe, and what others say of them. */
export class Wards {
  readonly #options: WardsOptions;
  readonly #breakers = new Map<string, Breaker>();
  /** Work that was left without a sign of life, by model: nobody else is sent after it until that is settled. */
  readonly #silences = new Map<string, number>();

  constructor(options: WardsOptions) {
    this.#options = options;
  }

  breaker(model: string): Breaker {
    const known = this.#breakers.get(model);
    if (known !== undefined) return known;
    const { nowMs, onChange } = this.#options;
    const breaker = new Breaker({ nowMs, onChange: (state) => onChange(model, state) });
    this.#breakers.set(model, breaker);
    return breaker;
  }

  state(model: string): BreakerState {
    return this.#breakers.get(model)?.state ?? { kind: 'closed' };
  }

  /**
   * How a route is to see the model. Its own breaker counts first. A closed one is doubted while its last work has not come back, and
   * while most other instances have theirs open and nothing was learned here lately: then copies are tried before callers.
   */
  standing(model: string): BreakerState {
    const state = this.state(model);
    if (state.kind !== 'closed') return state;
    if ((this.#silences.get(model) ?? 0) > 0) return { kind: 'open', cause: 'slow', because: 'it owes an answer' };
    const rumour = this.#breakers.get(model)?.isProven === true ? undefined : this.#rumour(model);
    return rumour === undefined ? state : { kind: 'half-open', cause: 'failing', because: rumour };
  }

  /** Counts the model as owing until `over` resolves. */
  async owes(model: string, over: Promise<void>): Promise<void> {
    const add = (count: number) => this.#silences.set(model, (this.#silences.get(model) ?? 0) + count);
    add(1);
    await over;
    add(-1);
  }

  close(): void {
    for (const breaker of this.#breakers.values()) breaker.close();
  }

  /** What speaks against a model, where at least half of the others that know it say so. */
  #rumour(model: string): string | undefined {
    const told = this.#options.hints().filter((hint) => hint.model === model);
    const against = told.filter(({ state }) => state === 'open');
    const [first] = against;
    if (first === undefined || against.length * 2 < told.length) return undefined;
    return `it is left at ${first.instance}: ${first.because}`;
  }
}
