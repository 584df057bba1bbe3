/** How long a sample counts. Long enough to see a hundredth at moderate load, short enough to forget a bad minute. */
export const WINDOW_MS = 60_000;
/** Oldest samples are dropped beyond this: a P99 needs some hundreds, and sorting them costs microseconds. */
const SAMPLES_MAX = 1_024;
/** Fewer answers say nothing about a hundredth. */
export const SAMPLES_MIN = 20;
/** In a small window a single slow answer is its P99; three are no chance. */
export const BREACHES_MIN = 3;
/** Fewer failures are an accident. */
export const FAILURES_MIN = 3;
/** A model that fails every fourth time costs more in second tries than it is worth. */
export const FAILURE_SHARE = 0.25;

/** One judged piece of work: its time as a share of what it was allowed (1 is the threshold), or that it came to nothing. */
export type Sample = { readonly kind: 'answered'; readonly share: number } | { readonly kind: 'failed' | 'silent' };

/** What a window has shown. */
export interface Breach {
  readonly cause: 'failing' | 'silent' | 'slow';
  readonly because: string;
}

/**
 * The latest samples of one model. Times are shares of what each piece of work was allowed, so that long work and short work share a
 * window. Pure but for its memory: time is an argument.
 */
export class LatencyWindow {
  #samples: (Sample & { readonly atMs: number })[] = [];

  add(sample: Sample, nowMs: number): void {
    this.#samples = [...this.#recent(nowMs), { ...sample, atMs: nowMs }].slice(-SAMPLES_MAX);
  }

  clear(): void {
    this.#samples = [];
  }

  /** Share of the allowed time that 99 of 100 answers keep to, by nearest rank; undefined without answers. */
  p99(nowMs: number): number | undefined {
    const shares = this.#answers(nowMs).toSorted((one, other) => one - other);
    return shares[Math.ceil(shares.length * 0.99) - 1];
  }

  /** Answers in time. */
  inTime(nowMs: number): number {
    return this.#answers(nowMs).filter((share) => share <= 1).length;
  }

  /** Why the model should not be asked any more; undefined while it is well. */
  breach(nowMs: number): Breach | undefined {
    return this.#failing(nowMs) ?? this.#slow(nowMs);
  }

  #failing(nowMs: number): Breach | undefined {
    const recent = this.#recent(nowMs);
    const failures = recent.filter(({ kind }) => kind !== 'answered');
    if (failures.length < FAILURES_MIN || failures.length < recent.length * FAILURE_SHARE) return undefined;
    const silent = failures.filter(({ kind }) => kind === 'silent').length;
    const because = `${failures.length} of the last ${recent.length} requests failed, ${silent} of them by silence`;
    return { cause: silent * 2 > failures.length ? 'silent' : 'failing', because };
  }

  #slow(nowMs: number): Breach | undefined {
    const shares = this.#answers(nowMs);
    const p99 = this.p99(nowMs);
    if (p99 === undefined || p99 <= 1 || shares.length < SAMPLES_MIN) return undefined;
    if (shares.filter((share) => share > 1).length < BREACHES_MIN) return undefined;
    return { cause: 'slow', because: `P99 of ${shares.length} answers is ${Math.round(p99 * 100)} % of what is allowed` };
  }

  #answers(nowMs: number): readonly number[] {
    return this.#recent(nowMs).flatMap((sample) => (sample.kind === 'answered' ? [sample.share] : []));
  }

  #recent(nowMs: number) {
    return this.#samples.filter(({ atMs }) => atMs > nowMs - WINDOW_MS);
  }
}
