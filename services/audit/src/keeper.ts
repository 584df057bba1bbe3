import type { Platform } from '@smartlite/chassis';
import { MeshError } from '@smartlite/contracts';
import { LogFault } from '@smartlite/tlog';
import { type OpenLog } from './open.ts';
import type { Remark } from './sequencer.ts';

/** How often a stand-by looks whether the writer is gone, and a failed log is opened again. */
const TRY_AGAIN_MS = 1_000;
const APPEND_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

/** How the log is opened, once or again; `close` gives up the right to it. */
export interface Opener {
  open(onRemark: (remark: Remark) => void): Promise<OpenLog | undefined>;
  close(): Promise<void>;
}

/** Keeps the log open and fed until the service stops: opens it, waits its turn while another writes, and heals after failures. */
export class Keeper {
  readonly #platform: Platform;
  readonly #opener: Opener;
  readonly #stopped = new AbortController();
  #log: OpenLog | undefined;
  #because = 'the log is being opened';
  #running: Promise<void> | undefined;
  #waiters: (() => void)[] = [];

  constructor(platform: Platform, opener: Opener) {
    this.#platform = platform;
    this.#opener = opener;
  }

  /** Why no call can be answered, if so. */
  get notReady(): string | undefined {
    return this.#log ? undefined : this.#because;
  }

  /** The open log. Throws `audit-unavailable` while there is none. */
  get log(): OpenLog {
    if (!this.#log) throw new MeshError('audit-unavailable', this.#because, { retryAfterMs: TRY_AGAIN_MS });
    return this.#log;
  }

  /** Resolves when the log was opened, or cannot be for now. */
  async start(): Promise<void> {
    const { stopping } = this.#platform;
    stopping.addEventListener('abort', () => this.#stopped.abort(), { once: true });
    await this.#tryOpen();
    this.#running = this.#run(this.#stopped.signal);
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    this.#log?.[Symbol.dispose]();
    this.#log = undefined;
    await this.#opener.close();
  }

  /** Resolves after the next entries were logged, or when the signal ends. */
  grown(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#log) await this.#feed(this.#log, signal);
      else await this.#tryOpen();
      if (!signal.aborted) await pause(TRY_AGAIN_MS, signal);
    }
  }

  /** Until the signal, or a failure: then the log is closed, to be opened again by the ordinary path. */
  async #feed(log: OpenLog, signal: AbortSignal): Promise<void> {
    const { metrics, clock } = this.#platform;
    const seconds = metrics.histogram('audit_append_seconds', 'From a batch of entries to their receipts', [], APPEND_BUCKETS);
    const size = metrics.gauge('audit_log_entries', 'Entries under the newest checkpoint');
    const ended = new AbortController();
    try {
      for await (const batch of log.feed.batches(AbortSignal.any([signal, ended.signal]))) {
        const startedMs = clock.monotonicMs();
        await log.writer.take(batch);
        if (batch.length > 0) seconds.observe((clock.monotonicMs() - startedMs) / 1_000);
        size.set(log.tree.checkpoint.size);
        for (const wake of this.#waiters.splice(0)) wake();
      }
    } catch (error) {
      this.#fail(error);
      log[Symbol.dispose]();
      this.#log = undefined;
    } finally {
      ended.abort();
    }
  }

  async #tryOpen(): Promise<void> {
    try {
      this.#log = await this.#opener.open((remark) => this.#hear(remark));
      this.#because = 'another instance writes this log; this one stands by';
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    const { log, bus } = this.#platform;
    const because = error instanceof Error ? error.message : String(error);
    if (error instanceof LogFault && this.#because !== because)
      bus.alert('critical', 'the audit log does not continue what was signed before', [`LOG_${error.code}`, because]);
    this.#because = because;
    log.error('the log cannot be written', { ...(error instanceof LogFault && { code: `LOG_${error.code}` }), error });
  }

  #hear({ kind, facts }: Remark): void {
    const { metrics, bus, log } = this.#platform;
    metrics.counter('audit_remarks_total', 'Gaps, stragglers, contradictions and refused entries', ['kind']).inc({ kind });
    log.warn('the trail is not as it should be', { kind, ...facts });
    if (kind === 'trail.equivocation')
      bus.alert('critical', 'two different audit entries under one id', ['ENTRY_EQUIVOCATION', String(facts['entry'])]);
    if (facts['code'] === 'ENTRY_FORGED')
      bus.alert('critical', 'an audit entry that its producer has not signed', ['ENTRY_FORGED', String(facts['entry'])]);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
