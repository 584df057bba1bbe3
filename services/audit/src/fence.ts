import type { Clock } from '@smartlite/chassis';
import { MeshError } from '@smartlite/contracts';
import { LogFault, type SignedCheckpoint } from '@smartlite/tlog';
import { elapsedMs, type Moment, type TrailTerm } from '@smartlite/trust';
import type { TermLog } from './engine.ts';
import { foldTenure, NO_TENURE, type PlacedTerm, type Tenure } from './tenure.ts';

/** A tenth of the lease is left to its end, for clocks that run apart and for the signature itself. */
const MARGIN = 0.1;
/** Words of ours that may be on their way; the oldest is forgotten, and then proves nothing. */
const SENT_MAX = 64;
/** The control log brings a word back within milliseconds. */
const ANSWER_MS = 5_000;

export interface FenceParts {
  readonly log: TermLog;
  readonly clock: Clock;
  readonly boot: string;
  readonly leaseMs: number;
}

type Said = Pick<TrailTerm, 'kind' | 'writer' | 'boot' | 'counter' | 'leaseMs' | 'checkpoint'>;

/**
 * The right to write the trail, by the order of the control log. It is claimed there, kept by beats that come back from there, and ends by
 * the own clocks when they do not: so of two processes on two hosts one writes, whatever either believes.
 */
export class Fence {
  readonly #parts: FenceParts;
  readonly #sent = new Map<number, Moment>();
  readonly #following = new AbortController();
  #done: Promise<void> | undefined;
  #tenure: Tenure = NO_TENURE;
  #counter = 0;
  /** When the last word of ours was sent that has come back. */
  #coveredFrom: Moment | undefined;
  /** When somebody else's last word was heard, by our own clocks. */
  #othersHeard: Moment | undefined;
  #waiters: (() => void)[] = [];

  constructor(parts: FenceParts) {
    this.#parts = parts;
  }

  /** Reads the control log to its end. Throws `audit-unavailable` when it cannot be read. */
  async join(): Promise<void> {
    if (this.#done) return;
    const caughtUp = Promise.withResolvers<void>();
    this.#done = this.#parts.log.follow(
      { term: (placed) => this.#take(placed), caughtUp: () => caughtUp.resolve(), lost: () => this.#lose() },
      this.#following.signal,
    );
    await within(caughtUp.promise, 'the control log cannot be read').catch((caught: unknown) => {
      this.#done = undefined;
      throw caught;
    });
  }

  /** The highest checkpoint that the control log knows. Throws FORKED when it knows two histories. */
  get highest(): SignedCheckpoint | undefined {
    const { forked, highest } = this.#tenure;
    if (forked) throw new LogFault('FORKED', 'the control log', `the control log says: ${forked}`);
    return highest;
  }

  /** Asks for the right to write from this place; false while another has it. Before it is asked for, the tree must be known to extend. */
  async claim(writer: string, checkpoint: string | null): Promise<boolean> {
    if (!this.#mayAsk(writer)) return false;
    const counter = await this.#say('claim', writer, checkpoint);
    await within(this.#folded(counter), 'the control log does not bring back what was written');
    return this.#tenure.holder?.boot === this.#parts.boot;
  }

  /** Keeps the right, and tells how far the log has come. */
  async beat(writer: string, checkpoint: string): Promise<void> {
    if (this.#tenure.holder?.boot === this.#parts.boot) await this.#say('beat', writer, checkpoint);
  }

  /** Throws unless the right is ours at this moment: asked before each signature, and before anybody is told of it. */
  check(): void {
    const { boot, leaseMs } = this.#parts;
    if (this.#tenure.holder?.boot !== boot) throw lapsed('another process has taken over this log');
    if (!this.#coveredFrom || elapsedMs(this.#coveredFrom, this.#now()) >= leaseMs * (1 - MARGIN))
      throw lapsed('the control log has not confirmed in time that this process writes the log');
  }

  /** Gives the right back, so that a successor need not wait. */
  async close(writer: string | undefined, checkpoint: string | undefined): Promise<void> {
    if (writer && checkpoint && this.#tenure.holder?.boot === this.#parts.boot)
      await this.#say('resign', writer, checkpoint).catch(() => {});
    this.#following.abort();
  }

  /** Somebody else's right must be over by our own clocks, too, not by the log's alone: a server's clock may have stepped. */
  #mayAsk(writer: string): boolean {
    const { holder } = this.#tenure;
    if (holder === undefined || holder.writer === writer) return true;
    const silentMs = this.#othersHeard ? elapsedMs(this.#othersHeard, this.#now()) : 0;
    return silentMs >= holder.leaseMs;
  }

  async #say(kind: TrailTerm['kind'], writer: string, checkpoint: string | null): Promise<number> {
    const { boot, leaseMs, log } = this.#parts;
    const counter = (this.#counter += 1);
    if (this.#sent.size >= SENT_MAX) this.#sent.delete(Math.min(...this.#sent.keys()));
    this.#sent.set(counter, this.#now());
    const said: Said = { kind, writer, boot, counter, leaseMs, checkpoint };
    await log.append(said);
    return counter;
  }

  #take(placed: PlacedTerm): void {
    const { boot, counter } = placed.term;
    this.#tenure = foldTenure(this.#tenure, placed);
    const own = boot === this.#parts.boot;
    if (this.#tenure.holder?.boot === boot) {
      if (own) this.#coveredFrom = this.#sent.get(counter) ?? this.#coveredFrom;
      else this.#othersHeard = this.#now();
    }
    if (own) this.#sent.delete(counter);
    for (const wake of this.#waiters.splice(0)) wake();
  }

  /** Another log than the one that was read: what was signed stays signed, the right must be claimed anew. */
  #lose(): void {
    const { highest, forked } = this.#tenure;
    this.#tenure = { ...NO_TENURE, highest, forked };
    this.#coveredFrom = undefined;
  }

  async #folded(counter: number): Promise<void> {
    while ((this.#tenure.counters.get(this.#parts.boot) ?? 0) < counter)
      await new Promise<void>((resolve) => void this.#waiters.push(resolve));
  }

  #now(): Moment {
    return { monotonicMs: this.#parts.clock.monotonicMs(), wallMs: this.#parts.clock.nowMs() };
  }
}

function lapsed(because: string): MeshError {
  return new MeshError('audit-unavailable', because, { retryAfterMs: ANSWER_MS });
}

async function within(work: Promise<void>, otherwise: string): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(lapsed(otherwise)), ANSWER_MS);
  try {
    await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
