import { MeshError } from '@smartlite/contracts';
import type { Outcome, Permit } from './breaker.ts';
import { Patience } from './patience.ts';

/**
 * How long an engine may be silent before it counts as hung and its process is ended, at the least. A healthy one on a machine that
 * is short of processors may need seconds; a stopped one never comes back.
 */
export const HUNG_MS = 10_000;
/** The same as a multiple of what the work is allowed. */
const HUNG_TIMES = 3;

/** What one piece of work is given. */
export interface WorkContext {
  readonly signal: AbortSignal;
  /** To be called when the work leaves its queue: waiting for others is not the model's fault. */
  readonly begun: () => void;
}

export interface Watch {
  /** The caller's. */
  readonly signal: AbortSignal;
  /** Milliseconds that never step back. */
  readonly nowMs: () => number;
  /** What the first result, and each gap between two, may take. */
  readonly allowedMs: number;
  /**
   * Until when somebody else can be asked. Nobody is left for nobody: one that cannot be replaced any more is left only when it hangs.
   */
  readonly replaceable: 'never' | 'until-first-result' | 'always';
  readonly permit: Permit;
  /** It has been left without a sign of life; resolves when it has given one after all, or has been ended. */
  readonly onSilent: (over: Promise<void>) => void;
  /** The engine has been silent for so long that it is to be ended. May come after the iteration has failed. */
  readonly onHung: (silentMs: number) => void;
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
  try {
    for (let results = 0; ; results += 1) {
      const next = await run.next();
      if (results === 0 && next.done === true) throw new MeshError('internal', 'the engine gave no answer');
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

  constructor(ask: (context: WorkContext) => AsyncIterable<T>, watch: Watch) {
    this.#watch = watch;
    this.sinceMs = watch.nowMs();
    // Whoever waits in a queue without an alternative goes on waiting: the call's own deadline bounds that.
    this.#patience = new Patience(watch.replaceable === 'never' ? Number.POSITIVE_INFINITY : watch.allowedMs);
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
    const { nowMs, replaceable, allowedMs } = this.#watch;
    this.sinceMs = nowMs();
    if (this.#begun) this.#patience.reset(replaceable === 'always' ? allowedMs : hungAfterMs(allowedMs));
    else if (replaceable !== 'always') this.#patience.reset(Number.POSITIVE_INFINITY);
  }

  /** Ends the work, unless it is watched on. */
  end(): void {
    this.#watch.signal.removeEventListener('abort', this.#follow);
    if (!this.#lingers) this.#leave();
  }

  #begin(): void {
    const { nowMs, replaceable, allowedMs } = this.#watch;
    this.#begun = true;
    this.sinceMs = nowMs();
    this.#patience.reset(replaceable === 'never' ? hungAfterMs(allowedMs) : allowedMs);
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

function hungAfterMs(allowedMs: number): number {
  return Math.max(HUNG_MS, HUNG_TIMES * allowedMs);
}
