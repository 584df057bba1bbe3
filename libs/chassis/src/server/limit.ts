/** What a process begins with: far above what its engines can do, far below what its memory can hold. */
export const LIMIT_MOST = 512;
/** Never fewer: an operator's call and some callers' always find a place. */
export const LIMIT_LEAST = 8;
/** What is left of the limit when work was refused further down. */
const BACKOFF = 0.9;
/** One overload refuses many calls at one moment; it is one signal. */
const BACKOFF_EVERY_MS = 1_000;

/**
 * How many calls a process takes at once: additive increase, multiplicative decrease, as in TCP and in Netflix' `AIMDLimit`. It begins at
 * its most, grows by one for each good call while it is used, and shrinks by a tenth when what is below refuses as overloaded. Time is an argument.
 */
export class AdaptiveLimit {
  readonly #most: number;
  #limit: number;
  #shrankMs = Number.NEGATIVE_INFINITY;

  constructor(most: number = LIMIT_MOST) {
    this.#most = most;
    this.#limit = most;
  }

  get value(): number {
    return this.#limit;
  }

  /** A call went well, of so many that were under way with it. A limit that is not used says nothing about what could be done. */
  wentWell(inflight: number): void {
    if (inflight * 2 >= this.#limit) this.#limit = Math.min(this.#most, this.#limit + 1);
  }

  /** A call was refused because there is too much to do. */
  overloaded(nowMs: number): void {
    if (nowMs - this.#shrankMs < BACKOFF_EVERY_MS) return;
    this.#shrankMs = nowMs;
    this.#limit = Math.max(Math.min(LIMIT_LEAST, this.#most), Math.floor(this.#limit * BACKOFF));
  }
}
