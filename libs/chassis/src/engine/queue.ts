import { MeshError } from '@smartlite/contracts';

/** Work that waits for one engine. More would wait longer than any caller does. */
const QUEUE_MAX = 64;
const RETRY_AFTER_MS = 500;

/** Lets at most `concurrency` pieces of work run; a bounded number waits in order of arrival, the rest is refused at once. */
export class WorkQueue {
  readonly #concurrency: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#waiting.length;
  }

  /** Resolves with a function that gives the place back, to be called once. Throws `overloaded`, or the signal's reason. */
  async enter(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#running >= this.#concurrency) await this.#turn(signal);
    else this.#running += 1;
    return () => this.#leave();
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

  /** The place goes to whoever waits longest. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#running -= 1;
  }
}
