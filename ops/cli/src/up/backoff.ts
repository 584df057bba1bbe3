/** A first crash is answered at once, for users wait; a service that keeps crashing must not keep the machine busy. */
const FIRST_MS = 250;
const LONGEST_MS = 15_000;
/** After this long a crash counts as a first one again. */
const STEADY_MS = 60_000;

/** How long to wait before a crashed process is started again. Doubles with every crash in a row. */
export class Backoff {
  #crashes = 0;

  /** Tells of a crash, and gets the wait. */
  next(ranMs: number): number {
    this.#crashes = ranMs >= STEADY_MS ? 1 : this.#crashes + 1;
    return Math.min(FIRST_MS * 2 ** (this.#crashes - 1), LONGEST_MS);
  }

  get crashesInARow(): number {
    return this.#crashes;
  }
}
