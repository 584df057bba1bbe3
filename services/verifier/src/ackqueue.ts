import type { Moment } from '@smartlite/trust';

/** Acks that may wait: those of the largest fleet, twice. More would be somebody flooding the subject; the next regular ack says it again. */
const WAITING_MAX = 20_000;
/** Verified at one go: some milliseconds of work, so that beats and statuses are never late for it. */
const BATCH = 32;

/**
 * Acks that wait to be verified. A thousand come within the milliseconds in which the fleet switches, and a signature takes a fifth of a
 * millisecond: verified at once they would take the processor from the very guards that are switching. What is measured is the arrival.
 */
export class AckQueue {
  readonly #verify: (ack: Uint8Array, heardAt: Moment) => void;
  #waiting: { readonly ack: Uint8Array; readonly heardAt: Moment }[] = [];

  constructor(verify: (ack: Uint8Array, heardAt: Moment) => void) {
    this.#verify = verify;
  }

  /** False where too many wait already; that one is passed over. */
  add(ack: Uint8Array, heardAt: Moment): boolean {
    if (this.#waiting.length >= WAITING_MAX) return false;
    this.#waiting.push({ ack, heardAt });
    return true;
  }

  /** Verifies the oldest few; whether more wait. */
  drain(): boolean {
    for (const { ack, heardAt } of this.#waiting.splice(0, BATCH)) this.#verify(ack, heardAt);
    return this.#waiting.length > 0;
  }
}
