import type { AuditReceipt } from '@smartlite/trust';
import type { Clock } from '../clock.ts';
import type { Log } from '../platform.ts';
import { type Contradiction, type LogMemory, type Seen, seenIn } from './logmemory.ts';

/** Entries under way to JetStream at once. */
const WINDOW = 64;
/** Between tries while the bus is away. */
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 5_000;
/** A receipt comes within some milliseconds. Without one the entry is sent again: the receipt, or the entry, may have been lost. */
const RECEIPT_WAIT_MS = 5_000;
const LOOK_MS = 1_000;

/** One entry on its way. */
export interface Parcel {
  readonly id: string;
  readonly producer: string;
  readonly subject: string;
  readonly data: Uint8Array;
  /** SHA-256 of the data, hex: the receipt must be about these bytes. */
  readonly digest: string;
  /** What was seen of the log when the entry was made; undefined for one of an earlier process. */
  readonly madeAfter?: Seen | undefined;
}

export interface CourierParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Resolves when what is to be sent survives a power cut. */
  readonly flushed: () => Promise<void>;
  /** Stores an entry on the bus; resolves when it is stored there. Repeats with one message id are dropped by the bus for a while. */
  readonly store: (subject: string, messageId: string, data: Uint8Array) => Promise<void>;
  /** Listens to receipts for a producer; returns how to stop. */
  readonly listen: (producer: string, onReceipt: (bytes: Uint8Array) => void) => () => void;
  /** Proves a receipt, or throws. */
  readonly open: (bytes: Uint8Array) => AuditReceipt;
  readonly memory: LogMemory;
  /** Told when a receipt contradicts an earlier one. The receipt counts all the same: the entry is in that log. */
  readonly onContradiction: (contradiction: Contradiction) => void;
}

interface Open {
  readonly parcel: Parcel;
  readonly sinceMs: number;
  readonly onReceipt: () => void;
  /** When the bus last stored it. */
  sentMs: number | undefined;
  attempts: number;
}

/** Carries entries to the audit service until its signed receipt says that they are in the log: stored on the bus is not enough. */
export class Courier {
  readonly #parts: CourierParts;
  readonly #open = new Map<string, Open>();
  readonly #listening = new Map<string, () => void>();
  readonly #timer: NodeJS.Timeout;
  #queue: Open[] = [];
  #pumping: Promise<void> | undefined;

  constructor(parts: CourierParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.#sendAgain(), LOOK_MS);
    this.#timer.unref();
  }

  /** Sends in the order of the calls, as far as the bus allows. `onReceipt` is called once. */
  send(parcel: Parcel, onReceipt: () => void): void {
    const open: Open = { parcel, onReceipt, sinceMs: this.#parts.clock.monotonicMs(), sentMs: undefined, attempts: 0 };
    this.#open.set(parcel.id, open);
    this.#listenTo(parcel.producer);
    this.#queue.push(open);
    this.#pump();
  }

  /** Without a receipt so far, in order. */
  get unreceipted(): readonly Parcel[] {
    return [...this.#open.values()].map(({ parcel }) => parcel);
  }

  /** How long the oldest has waited for its receipt. */
  waitedMs(): number {
    const [oldest] = this.#open.values();
    return oldest ? this.#parts.clock.monotonicMs() - oldest.sinceMs : 0;
  }

  /** Resolves when the bus has stored everything that was given so far. */
  async stored(): Promise<void> {
    await this.#pumping;
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const stop of this.#listening.values()) stop();
  }

  #pump(): void {
    this.#pumping ??= this.#deliver()
      .catch((error: unknown) => this.#parts.log.error('audit entries cannot be delivered', { error }))
      .finally(() => (this.#pumping = undefined));
  }

  async #deliver(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.slice(0, WINDOW);
      await this.#parts.flushed();
      await this.#untilStored(batch);
      this.#queue.splice(0, batch.length);
    }
  }

  async #untilStored(batch: readonly Open[]): Promise<void> {
    const { store, clock, log } = this.#parts;
    let left = batch.filter(({ parcel }) => this.#open.has(parcel.id));
    for (let waitMs = RETRY_MS_MIN; left.length > 0; waitMs = Math.min(waitMs * 2, RETRY_MS_MAX)) {
      // The bus drops a second message of one id, so a repeat for the sake of its receipt has another.
      const outcomes = await Promise.allSettled(
        left.map(({ parcel: { subject, id, data }, attempts }) =>
          store(subject, attempts === 0 ? id : `${id}/${attempts}`, data),
        ),
      );
      for (const [at, open] of left.entries()) if (outcomes[at]?.status === 'fulfilled') open.sentMs = clock.monotonicMs();
      left = left.filter((_open, at) => outcomes[at]?.status === 'rejected');
      if (left.length === 0) return;
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      log.warn('audit entries wait for the bus', { entries: left.length, error: failed?.reason });
      // The process may end meanwhile; the spool keeps them.
      await new Promise((resolve) => setTimeout(resolve, waitMs).unref());
    }
  }

  #sendAgain(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const open of this.#open.values()) {
      if (open.sentMs === undefined || nowMs - open.sentMs < RECEIPT_WAIT_MS * (open.attempts + 1)) continue;
      open.sentMs = undefined;
      open.attempts += 1;
      this.#queue.push(open);
    }
    if (this.#queue.length > 0) this.#pump();
  }

  #listenTo(producer: string): void {
    if (this.#listening.has(producer)) return;
    this.#listening.set(
      producer,
      this.#parts.listen(producer, (bytes) => this.#hear(bytes)),
    );
  }

  /** Input of anybody on the bus: nothing counts but a proven receipt over the very bytes that were sent. */
  #hear(bytes: Uint8Array): void {
    let receipt: AuditReceipt;
    try {
      receipt = this.#parts.open(bytes);
    } catch (error) {
      this.#parts.log.warn('a receipt that cannot be proven is ignored', { error });
      return;
    }
    const settled = receipt.entries.flatMap(({ id, digest, index }) => {
      const open = this.#open.get(id);
      return open?.parcel.digest === digest ? [{ id, open, index, madeAfter: open.parcel.madeAfter }] : [];
    });
    // A receipt that was given before, and comes again, says nothing new: somebody may repeat it.
    if (settled.length === 0) return;
    const contradiction = this.#parts.memory.take(seenIn(receipt), settled);
    for (const { id, open } of settled) {
      this.#open.delete(id);
      open.onReceipt();
    }
    if (contradiction) this.#parts.onContradiction(contradiction);
  }
}
