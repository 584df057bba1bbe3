import { MeshError } from '@smartlite/contracts';

/** Share of the newest turn in the mean: a handful of them decides. */
const NEWEST = 0.2;

/**
 * How fast turns are answered here, from the end of their speech on, and whether one more could be answered in time. Turns share the
 * processors, so what one takes grows with how many there are; what is kept is what one takes of them for itself (Little's law). A
 * speaker's own time, and a client's that holds back its answer, do not count. Pure but for its memory and its clock.
 */
export class Pace {
  readonly #nowMs: () => number;
  #answering = 0;
  /** Of a turn, without the others'; 0: none has been answered yet. */
  #shareMs = 0;
  /** Turns under way, summed up over the milliseconds. */
  #turnMs = 0;
  #sinceMs: number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#sinceMs = nowMs();
  }

  turn(): PacedTurn {
    return new PacedTurn({
      nowMs: this.#nowMs,
      // Whoever comes alone is never refused: else one slow turn could shut everybody out, and nothing would be learned any more.
      expectedMs: () => (this.#answering === 0 ? 0 : this.#shareMs * (this.#answering + 1)),
      step: (by) => this.#step(by),
      learn: (shareMs) => (this.#shareMs = this.#shareMs === 0 ? shareMs : this.#shareMs * (1 - NEWEST) + shareMs * NEWEST),
    });
  }

  /** Counts turns in or out; returns the sum so far. */
  #step(by: 1 | -1): number {
    const nowMs = this.#nowMs();
    this.#turnMs += this.#answering * (nowMs - this.#sinceMs);
    this.#sinceMs = nowMs;
    this.#answering += by;
    return this.#turnMs;
  }
}

interface PaceParts {
  readonly nowMs: () => number;
  readonly expectedMs: () => number;
  readonly step: (by: 1 | -1) => number;
  readonly learn: (shareMs: number) => void;
}

/** One turn: begun when its speech has ended, held while its client keeps the answer back, ended once. */
export class PacedTurn {
  readonly #parts: PaceParts;
  #begun: { readonly ms: number; readonly turnMs: number } | undefined;
  #tookMs = 0;
  #turnMs = 0;

  constructor(parts: PaceParts) {
    this.#parts = parts;
  }

  /** `leftMs`: how long its caller still waits. Throws `overloaded` where its answer would come later than that. */
  begin(leftMs: number): void {
    const expectedMs = Math.round(this.#parts.expectedMs());
    if (expectedMs > leftMs)
      throw new MeshError(
        'overloaded',
        `with the turns that are being answered this one takes about ${expectedMs} ms, longer than its caller waits`,
        { retryAfterMs: expectedMs - Math.round(Math.max(0, leftMs)) },
      );
    this.goOn();
  }

  hold(): void {
    if (this.#begun === undefined) return;
    const turnMs = this.#parts.step(-1);
    this.#tookMs += this.#parts.nowMs() - this.#begun.ms;
    this.#turnMs += turnMs - this.#begun.turnMs;
    this.#begun = undefined;
  }

  goOn(): void {
    this.#begun ??= { turnMs: this.#parts.step(1), ms: this.#parts.nowMs() };
  }

  /** `telling`: it came to its end or to its caller's, so that its time says something. */
  end(telling: boolean): void {
    this.hold();
    if (telling && this.#turnMs > 0) this.#parts.learn(this.#tookMs ** 2 / this.#turnMs);
    this.#turnMs = 0;
  }
}
