import type { Amounts } from './amounts.ts';
import type { Holder } from './limits.ts';
import type { Outcome } from './outcome.ts';

export interface Reservation {
  readonly id: string;
  readonly holder: Holder;
  readonly key: string;
  /** Charges stay in the windows of admission. */
  readonly admittedMs: number;
  readonly notAfterMs: number;
  readonly extensions: Set<string>;
  held: Amounts;
  /** How much the holder may have used by its own word: charged if it dies. */
  covered: Amounts;
  closed: Closed | undefined;
}

export interface Closed {
  readonly atMs: number;
  readonly by: 'holder' | 'expiry';
  readonly outcome: Extract<Outcome, { kind: 'settled' }>;
}

export type ReservationsDump = readonly (Omit<Reservation, 'extensions'> & { readonly extensions: readonly string[] })[];

/** Open reservations, and closed ones for as long as a repeated command may still ask for them. */
export class Reservations {
  readonly #open = new Map<string, Reservation>();
  /** In the order of closing. */
  readonly #closed = new Map<string, Reservation>();
  readonly #ids = new Map<string, string>();

  constructor(dump: ReservationsDump = []) {
    for (const { extensions, ...facts } of dump) {
      const reservation = { ...facts, extensions: new Set(extensions) };
      this.add(reservation);
      if (reservation.closed) this.close(reservation, reservation.closed);
    }
  }

  /** Closed ones first, in the order of closing. */
  dump(): ReservationsDump {
    const all = [...this.#closed.values(), ...this.#open.values()];
    return all.map((reservation) => ({ ...reservation, extensions: [...reservation.extensions] }));
  }

  add(reservation: Reservation): void {
    this.#open.set(reservation.id, reservation);
    this.#ids.set(reservation.key, reservation.id);
  }

  find(id: string): Reservation | undefined {
    return this.#open.get(id) ?? this.#closed.get(id);
  }

  ofKey(key: string): Reservation | undefined {
    const id = this.#ids.get(key);
    return id === undefined ? undefined : this.find(id);
  }

  close(reservation: Reservation, closed: Closed): void {
    reservation.closed = closed;
    this.#open.delete(reservation.id);
    this.#closed.set(reservation.id, reservation);
  }

  open(): IterableIterator<Reservation> {
    return this.#open.values();
  }

  /** Forgets what was closed before `beforeMs`. */
  forget(beforeMs: number): void {
    for (const { id, key, closed } of this.#closed.values()) {
      if (!closed || closed.atMs >= beforeMs) break;
      this.#closed.delete(id);
      this.#ids.delete(key);
    }
  }
}
