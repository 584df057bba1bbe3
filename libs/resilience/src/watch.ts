import { MeshError } from '@smartlite/contracts';
import type { Outcome, Permit } from './breaker.ts';
import { Patience } from './patience.ts';

/**
 * How long an engine may be silent before it counts as hung and its process is ended, at the least. A healthy one on a machine that
 * is short of processors may need seconds; a stopped one never comes back.
 */
export const HUNG_MS = 10_000;
/** Longest silence in the middle of an answer that somebody hears, at the least: after it the answer is better ended in words. */
const CUT_MS = 5_000;
/** Both as a multiple of what the work is allowed. */
const TIMES_ALLOWED = 3;

/** What one piece of work is given. */
export interface WorkContext {
  readonly signal: AbortSignal;
  /** To be called when the work leaves its queue: waiting for others is not the model's fault. */
  readonly begun: () => void;
}

/**
 * What becomes of work that falls silent at this moment. `replaceable`: somebody else is asked, so it has what it is allowed. `said`:
 * its answer has been begun, and can only be ended. `last`: nobody is left for nobody, so it is waited for until it hangs.
 */
export type Standing = 'replaceable' | 'said' | 'last';

export interface Watch {
  /** The caller's. */
  readonly signal: AbortSignal;
  /** Milliseconds that never step back. */
  readonly nowMs: () => number;
  /** What the first result, and each gap between two, may take. */
  readonly allowedMs: number;
  /** Asked anew for each wait. */
  readonly standing: () => Standing;
  readonly permit: Permit;
  /** It has been left without a sign of life; resolves when it has given one after all, or has been ended. */
  readonly onSilent: (over: Promise<void>) => void;
  /** The engine has been silent for so long that it is to be ended. May come after the iteration has failed. */
  readonly onHung: (silentMs: number) => void;
  /** The work is over, for its caller at least. */
  readonly onOver: (work: Work) => void;
}

/** What one piece of work took. */
export interface Work {
  readonly answered: boolean;
  /** From its turn in the queue to its end, in milliseconds. */
  readonly ms: number;
  /** To its first result; undefined where there was none. */
  readonly firstMs: number | undefined;
  /** The longest that a result was waited for, as a share of what it was allowed. */
  readonly share: number;
}

/** Failures that a model can be blamed for. The others are about the caller, the mode, or how many others there are. */
const BLAMED: ReadonlySet<MeshError['code']> = new Set(['unavailable', 'internal', 'deadline-exceeded']);

/**
 * The results of one piece of work, each within its time; else it fails as `unavailable`, and the work is watched on in the background
 * until it shows a sign of life or counts as hung. The time in which the reader holds a result does not count.
 */
export async function* watched<T>(ask: (context: WorkContext) => AsyncIterable<T>, watch: Watch): AsyncGenerator<T> {
  const { signal, nowMs, allowedMs, permit } = watch;
  const run = new Run(ask, watch);
  let outcome: Outcome = { kind: 'unjudged' };
  let share = 0;
  let firstMs: number | undefined;
  try {
    for (let results = 0; ; results += 1) {
      const next = await run.next();
      if (results === 0 && next.done === true) throw new MeshError('internal', 'the engine gave no answer');
      firstMs ??= nowMs() - run.sinceMs;
      share = Math.max(share, (nowMs() - run.sinceMs) / allowedMs);
      outcome = { kind: 'answered', share };
      if (next.done === true) return;
      yield next.value;
      run.goOn();
    }
  } catch (caught) {
    const blamed = !signal.aborted && BLAMED.has(MeshError.from(caught).code);
    outcome = caught instanceof Silence ? { kind: 'silent' } : { kind: blamed ? 'failed' : 'unjudged' };
    throw caught;
  } finally {
    run.end();
    watch.onOver({ answered: outcome.kind === 'answered', ms: nowMs() - run.begunMs, firstMs, share });
    await permit.settle(outcome);
  }
}

/** It came to nothing in its time although it had begun. */
class Silence extends MeshError {}

class Run<T> {
  readonly #watch: Watch;
  readonly #own = new AbortController();
  readonly #patience: Patience;
  readonly #results: AsyncIterator<T>;
  readonly #follow = () => this.#own.abort(this.#watch.signal.reason);
  #begun = false;
  #lingers = false;
  /** When the wait for the next result began. */
  sinceMs: number;
  /** When it left its queue. */
  begunMs: number;

  constructor(ask: (context: WorkContext) => AsyncIterable<T>, watch: Watch) {
    this.#watch = watch;
    this.sinceMs = watch.nowMs();
    this.begunMs = this.sinceMs;
    this.#patience = new Patience(this.#patienceMs());
    if (watch.signal.aborted) this.#follow();
    else watch.signal.addEventListener('abort', this.#follow, { once: true });
    this.#results = ask({ signal: this.#own.signal, begun: () => this.#begin() })[Symbol.asyncIterator]();
  }

  async next(): Promise<IteratorResult<T>> {
    const pending = this.#results.next();
    const next = await this.#patience.wait(pending);
    if (next !== undefined) return next.value;
    this.#lingers = true;
    this.#watch.signal.removeEventListener('abort', this.#follow);
    const over = this.#linger(pending);
    const waitedMs = Math.round(this.#watch.nowMs() - this.sinceMs);
    if (!this.#begun) throw new MeshError('overloaded', `still waiting for its turn after ${waitedMs} ms`);
    this.#watch.onSilent(over);
    throw new Silence('unavailable', `no sign of life for ${waitedMs} ms`);
  }

  /** The reader wants the next result. */
  goOn(): void {
    this.sinceMs = this.#watch.nowMs();
    this.#patience.reset(this.#patienceMs());
  }

  /** Ends the work, unless it is watched on. */
  end(): void {
    this.#watch.signal.removeEventListener('abort', this.#follow);
    if (!this.#lingers) this.#leave();
  }

  #begin(): void {
    this.#begun = true;
    this.goOn();
    this.begunMs = this.sinceMs;
  }

  #patienceMs(): number {
    const { standing, allowedMs } = this.#watch;
    const now = standing();
    if (now === 'replaceable') return allowedMs;
    // Whoever waits in a queue without an alternative goes on waiting: the call's own deadline bounds that.
    if (!this.#begun) return Number.POSITIVE_INFINITY;
    return now === 'said' ? atLeast(CUT_MS, allowedMs) : hungAfterMs(allowedMs);
  }

  async #linger(pending: Promise<unknown>): Promise<void> {
    const { nowMs, allowedMs, onHung } = this.#watch;
    const silentMs = () => Math.round(nowMs() - this.sinceMs);
    const left = hungAfterMs(allowedMs) - silentMs();
    try {
      const alive = !this.#begun || (left > 0 && (await new Patience(left).wait(pending)) !== undefined);
      if (!alive) onHung(silentMs());
    } catch {
      // It failed at last, and whoever asked has already been told.
    } finally {
      this.#leave();
    }
  }

  #leave(): void {
    this.#own.abort(new MeshError('cancelled', 'nobody waits for it any more'));
    this.#results.return?.().catch(() => undefined);
  }
}

/** How long an engine may be silent over work that is allowed so many milliseconds before it counts as hung. */
export function hungAfterMs(allowedMs: number): number {
  return atLeast(HUNG_MS, allowedMs);
}

function atLeast(ms: number, allowedMs: number): number {
  return Math.max(ms, TIMES_ALLOWED * allowedMs);
}
