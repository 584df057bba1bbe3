import { EventEmitter } from 'node:events';
import CircuitBreaker from 'opossum';
import { type Breach, LatencyWindow, type Sample } from './window.ts';

/** First wait before an open breaker is probed. A restarted engine is loaded by then. */
export const PROBE_FIRST_MS = 5_000;
/** Longest wait: a repaired model is noticed within this time. */
export const PROBE_MOST_MS = 60_000;
/** Good probes in a row before callers are let through again: one may be luck. */
export const PROBES_TO_CLOSE = 3;
/** A breaker that stayed closed for so long begins with the first wait again; one that opens sooner waits twice as long as before. */
export const STABLE_MS = 60_000;

/** Whether a model may be asked. An open breaker blocks. */
export type BreakerState = { readonly kind: 'closed' } | (Breach & { readonly kind: 'open' | 'half-open' });

/** The end of one piece of work. `unjudged`: it says nothing about the model, for example because the caller has left. */
export type Outcome = Sample | { readonly kind: 'unjudged' };

/** Leave to ask the model once; must be given back with how it went. */
export interface Permit {
  settle(outcome: Outcome): Promise<void>;
}

export interface BreakerOptions {
  /** Milliseconds that never step back. */
  readonly nowMs: () => number;
  readonly onChange?: (state: BreakerState) => void;
}

/**
 * The breaker of one model. opossum is its state machine (closed, open, half-open after a wait, closed or open again by a probe);
 * our own window, cleared at each change, decides when it opens, because opossum knows no percentiles and keeps old samples across
 * a close. Work that was begun in an earlier state says nothing about this one.
 */
export class Breaker {
  readonly #nowMs: () => number;
  readonly #onChange: (state: BreakerState) => void;
  readonly #options = circuitOptions();
  readonly #circuit: CircuitBreaker<[boolean], void>;
  readonly #window = new LatencyWindow();
  #state: BreakerState = { kind: 'closed' };
  /** Rises with each change. */
  #era = 0;
  #closedMs = Number.NEGATIVE_INFINITY;
  #probing = false;
  #goodProbes = 0;
  #breach: Breach = { cause: 'failing', because: 'a probe failed' };

  constructor({ nowMs, onChange = () => undefined }: BreakerOptions) {
    this.#nowMs = nowMs;
    this.#onChange = onChange;
    this.#circuit = new CircuitBreaker<[boolean], void>(verdict, this.#options);
    this.#circuit.on('open', () => this.#change({ ...this.#breach, kind: 'open' }));
    this.#circuit.on('halfOpen', () => this.#change({ ...this.#breach, kind: 'half-open' }));
    this.#circuit.on('close', () => this.#closed());
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** True when one piece of work may be tried on the model to learn whether it is well again. */
  get wantsProbe(): boolean {
    return this.#state.kind === 'half-open' && !this.#probing;
  }

  /** The P99 of the window, as a share of what is allowed; undefined without answers. */
  get p99(): number | undefined {
    return this.#window.p99(this.#nowMs());
  }

  /** Whether it is closed by what was learned here, in the last minute. */
  get isProven(): boolean {
    return this.#state.kind === 'closed' && this.#window.inTime(this.#nowMs()) >= PROBES_TO_CLOSE;
  }

  /** To be called before each piece of work. It never refuses: whom to ask is the route's choice. */
  enter(): Permit {
    const era = this.#era;
    const probe = this.wantsProbe;
    if (probe) this.#probing = true;
    let settled = false;
    return {
      settle: async (outcome) => {
        if (settled || era !== this.#era) return;
        settled = true;
        if (probe) await this.#judgeProbe(outcome);
        else if (this.#state.kind === 'closed') this.#judge(outcome);
      },
    };
  }

  /** Opens at once: the model's engine has been silent for so long that it was ended. */
  hung(because: string): void {
    if (this.#state.kind !== 'open') this.#open({ cause: 'silent', because });
  }

  /** Ends its timer. */
  close(): void {
    this.#circuit.shutdown();
  }

  #judge(outcome: Outcome): void {
    if (outcome.kind === 'unjudged') return;
    this.#window.add(outcome, this.#nowMs());
    const breach = this.#window.breach(this.#nowMs());
    if (breach !== undefined) this.#open(breach);
  }

  #open(breach: Breach): void {
    const stable = this.#state.kind === 'closed' && this.#nowMs() - this.#closedMs >= STABLE_MS;
    this.#options.resetTimeout = stable ? PROBE_FIRST_MS : twice(this.#options.resetTimeout);
    this.#breach = breach;
    this.#circuit.open();
  }

  async #judgeProbe(outcome: Outcome): Promise<void> {
    this.#probing = false;
    if (outcome.kind === 'unjudged') return;
    const good = outcome.kind === 'answered' && outcome.share <= 1;
    this.#goodProbes = good ? this.#goodProbes + 1 : 0;
    if (good && this.#goodProbes < PROBES_TO_CLOSE) return;
    if (!good) {
      this.#breach = failedProbe(outcome);
      this.#options.resetTimeout = twice(this.#options.resetTimeout);
    }
    await this.#circuit.fire(good).catch(() => undefined);
  }

  #closed(): void {
    this.#closedMs = this.#nowMs();
    this.#change({ kind: 'closed' });
  }

  #change(state: BreakerState): void {
    this.#state = state;
    this.#era += 1;
    this.#probing = false;
    this.#goodProbes = 0;
    this.#window.clear();
    this.#onChange(state);
  }
}

/**
 * opossum's own window and timer per call are switched off: its counts would outlive a close, and only we know when a stream stalls.
 * A controller that never rotates the buckets spares their timer. opossum reads `resetTimeout` of this very object at each opening.
 */
function circuitOptions() {
  return {
    timeout: false as const,
    resetTimeout: PROBE_FIRST_MS,
    volumeThreshold: Number.MAX_SAFE_INTEGER,
    rollingPercentilesEnabled: false,
    enableSnapshots: false,
    rotateBucketController: new EventEmitter(),
  };
}

/** What opossum is told of a probe. */
async function verdict(good: boolean): Promise<void> {
  if (!good) throw new Error('the probe was not good');
}

function twice(waitMs: number): number {
  return Math.min(waitMs * 2, PROBE_MOST_MS);
}

function failedProbe(outcome: Exclude<Outcome, { kind: 'unjudged' }>): Breach {
  if (outcome.kind === 'answered')
    return { cause: 'slow', because: `a probe took ${Math.round(outcome.share * 100)} % of what is allowed` };
  return { cause: outcome.kind === 'failed' ? 'failing' : 'silent', because: 'a probe got no answer' };
}
