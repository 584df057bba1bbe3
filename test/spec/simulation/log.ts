import type { ControlMessage, Placed } from '@smartlite/trust';
import type { Chance } from './chance.ts';
import type { Host } from './host.ts';
import type { Schedule } from './schedule.ts';

/** A message in the log, with the true time at which it was stored: for the checker alone. */
export interface Stored extends Placed {
  readonly trueMs: number;
}

/**
 * The control log as JetStream keeps it: one order, timestamps of a server clock that may step, acknowledgements that get lost although
 * the entry is stored, and every reader behind by a delay of its own.
 */
export class Log {
  readonly entries: Stored[] = [];
  readonly #schedule: Schedule;
  readonly #chance: Chance;
  readonly #readers = new Set<{ readonly host: Host; readonly take: (placed: Placed) => void; next: number; busy: boolean }>();
  serverOffsetMs = 1.8e12;
  /** Until when the log takes nothing and gives nothing. */
  downUntilMs = 0;
  slow = false;

  constructor(schedule: Schedule, chance: Chance) {
    this.#schedule = schedule;
    this.#chance = chance;
  }

  /** `done` tells of the acknowledgement; it may be false although the message is stored. */
  append(host: Host, message: ControlMessage, lasting: boolean, done: (acknowledged: boolean) => void): void {
    this.#schedule.after(this.#delay(), () => {
      const down = this.#schedule.nowMs < this.downUntilMs || !host.speaks || host.apart;
      if (!down) this.#store(message, lasting);
      const heard = !down && host.hears && !host.apart && !this.#chance.is(0.02);
      this.#schedule.after(heard ? this.#delay() : 200, () => host.run(() => done(heard)));
    });
  }

  follow(host: Host, take: (placed: Placed) => void): () => void {
    const reader = { host, take, next: 0, busy: false };
    this.#readers.add(reader);
    this.#serve(reader);
    return () => void this.#readers.delete(reader);
  }

  #store(message: ControlMessage, lasting: boolean): void {
    const position = this.entries.length + 1;
    const atMs = Math.floor(this.serverOffsetMs + this.#schedule.nowMs);
    this.entries.push({
      position,
      atMs,
      lasting,
      digest: position.toString(16).padStart(64, '0'),
      message,
      trueMs: this.#schedule.nowMs,
    });
    for (const reader of this.#readers) this.#serve(reader);
  }

  #serve(reader: { readonly host: Host; readonly take: (placed: Placed) => void; next: number; busy: boolean }): void {
    if (reader.busy || reader.next >= this.entries.length) return;
    reader.busy = true;
    this.#schedule.after(this.#delay(), () => {
      reader.busy = false;
      if (!this.#readers.has(reader)) return;
      if (!reader.host.hears || reader.host.apart || this.#schedule.nowMs < this.downUntilMs)
        return this.#schedule.after(100, () => this.#serve(reader));
      const until = this.entries.length;
      const batch = this.entries.slice(reader.next, until);
      reader.next = until;
      reader.host.run(() => {
        for (const entry of batch) if (this.#readers.has(reader)) reader.take(entry);
      });
      this.#serve(reader);
    });
  }

  #delay(): number {
    return this.slow ? this.#chance.between(50, 3_000) : this.#chance.between(1, 20);
  }
}
