import { MeshError } from '@smartlite/contracts';

/** Work that waits for one engine. More would wait longer than any caller does. */
const QUEUE_MAX = 64;
const RETRY_AFTER_MS = 500;
/** Share of the newest piece of work in the mean of how long one takes: a handful of them decides. */
const NEWEST = 0.2;

/** Lets at most `concurrency` pieces of work run; a bounded number waits in order of arrival, the rest is refused at once. */
export class WorkQueue {
  readonly #concurrency: number;
  readonly #nowMs: () => number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #meanMs = 0;

  constructor(concurrency: number, nowMs: () => number = () => performance.now()) {
    this.#concurrency = concurrency;
    this.#nowMs = nowMs;
  }

  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#waiting.length;
  }

  /** How long new work would wait for its turn, by what the latest pieces have taken; 0 while a place is free or nothing is known. */
  get waitMs(): number {
    if (this.#running < this.#concurrency) return 0;
    return (this.#meanMs * (this.#waiting.length + 1)) / this.#concurrency;
  }

  /** Resolves with a function that gives the place back, to be called once. Throws `overloaded`, or the signal's reason. */
  async enter(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#running >= this.#concurrency) await this.#turn(signal);
    else this.#running += 1;
    const sinceMs = this.#nowMs();
    return () => {
      this.#learn(this.#nowMs() - sinceMs);
      this.#leave();
    };
  }

  #turn(signal: AbortSignal): Promise<void> {
    if (this.#waiting.length >= QUEUE_MAX) {
      throw new MeshError('overloaded', `${QUEUE_MAX} requests already wait for this model`, { retryAfterMs: RETRY_AFTER_MS });
    }
    return new Promise((resolve, reject) => {
      const go = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1);
        reject(signal.reason);
      };
      this.#waiting.push(go);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  #learn(tookMs: number): void {
    this.#meanMs = this.#meanMs === 0 ? tookMs : this.#meanMs * (1 - NEWEST) + tookMs * NEWEST;
  }

  /** The place goes to whoever waits longest. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#running -= 1;
  }
}
