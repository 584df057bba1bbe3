import type { Moment } from '@smartlite/trust';
import type { Chance } from './chance.ts';
import type { Schedule } from './schedule.ts';

/** Half of what two clocks may drift apart: each by so much from true time. */
const DRIFT = 100e-6;

/**
 * One host: its clocks, and whether it runs. While it is paused (SIGSTOP) its clocks go on; while it is suspended its monotonic clock
 * stands still and its wall clock, corrected at the end, has gone on.
 */
export class Host {
  readonly name: string;
  readonly #schedule: Schedule;
  readonly #rate: number;
  readonly #monotonicStart: number;
  #wallOffset: number;
  #suspendedMs = 0;
  #suspendedAt: number | null = null;
  #waiting: (() => void)[] = [];
  running = true;
  /** Messages to and from this host get through. */
  hears = true;
  speaks = true;
  /** On the smaller side of a partition: it reaches those who are there, too, and the log not at all. */
  apart = false;

  constructor(name: string, schedule: Schedule, chance: Chance) {
    this.name = name;
    this.#schedule = schedule;
    this.#rate = 1 + chance.between(-DRIFT, DRIFT);
    this.#monotonicStart = chance.between(0, 1e6);
    this.#wallOffset = 1.8e12 + chance.between(-60_000, 60_000);
  }

  now(): Moment {
    const gone = this.#schedule.nowMs * this.#rate;
    const standing = this.#suspendedMs + (this.#suspendedAt === null ? 0 : this.#schedule.nowMs - this.#suspendedAt);
    return { monotonicMs: this.#monotonicStart + gone - standing * this.#rate, wallMs: this.#wallOffset + gone };
  }

  stepWall(byMs: number): void {
    this.#wallOffset += byMs;
  }

  /** Runs now, or as soon as the host runs again: what was queued then comes first. */
  run(work: () => void): void {
    if (this.running) work();
    else this.#waiting.push(work);
  }

  pause(forMs: number, suspended: boolean): void {
    if (!this.running) return;
    this.running = false;
    if (suspended) this.#suspendedAt = this.#schedule.nowMs;
    this.#schedule.after(forMs, () => this.#resume());
  }

  #resume(): void {
    if (this.#suspendedAt !== null) this.#suspendedMs += this.#schedule.nowMs - this.#suspendedAt;
    this.#suspendedAt = null;
    this.running = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const work of waiting) this.run(work);
  }
}
