import { MeshError } from '@smartlite/contracts';
import type { EngineProcess } from './host.ts';
import { CHUNK_WINDOW, type FromEngine, type ToEngine } from './messages.ts';
import { WorkQueue } from './queue.ts';

/** Chunks taken are reported in halves of the window, so that the child never waits for a report. */
const REPORT_CHUNKS = CHUNK_WINDOW / 2;

/** The child as the service sees it. */
export interface EngineChannel {
  readonly pid: number;
  send(message: ToEngine): void;
  kill(): void;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

export interface LoadedFacts {
  readonly modelId: string;
  readonly engine: string;
  readonly artifactDigests: readonly string[];
  readonly lockDigest: string;
  readonly concurrency: number;
}

type Event = Extract<FromEngine, { kind: 'chunk' | 'done' | 'failed' }>;

/** A loaded engine process: work goes in, chunks come back, one queue in front. */
export class LoadedProcess implements EngineProcess<unknown, unknown> {
  readonly modelId: string;
  readonly engine: string;
  readonly artifactDigests: readonly string[];
  readonly lockDigest: string;
  readonly pid: number;
  readonly exited: EngineChannel['exited'];
  readonly #channel: EngineChannel;
  readonly #queue: WorkQueue;
  readonly #inboxes = new Map<number, Inbox>();
  #nextId = 1;
  #gone = false;

  constructor(channel: EngineChannel, { modelId, engine, artifactDigests, lockDigest, concurrency }: LoadedFacts) {
    this.modelId = modelId;
    this.engine = engine;
    this.artifactDigests = artifactDigests;
    this.lockDigest = lockDigest;
    this.pid = channel.pid;
    this.exited = channel.exited;
    this.#channel = channel;
    this.#queue = new WorkQueue(concurrency);
    void channel.exited.then(() => this.#fail());
  }

  get inflight(): number {
    return this.#queue.running;
  }

  get queued(): number {
    return this.#queue.queued;
  }

  get waitMs(): number {
    return this.#queue.waitMs;
  }

  /** A message of the child about a piece of work. */
  deliver(event: Event): void {
    this.#inboxes.get(event.id)?.put(event);
  }

  kill(): void {
    this.#fail();
    this.#channel.kill();
  }

  async *run(request: unknown, signal: AbortSignal, begun: () => void = () => undefined): AsyncGenerator<unknown> {
    const leave = await this.#queue.enter(signal);
    const id = this.#nextId++;
    const inbox = new Inbox();
    const abort = () => inbox.end(signal.reason);
    let over = false;
    try {
      if (this.#gone) throw gone(this.modelId);
      this.#inboxes.set(id, inbox);
      signal.addEventListener('abort', abort, { once: true });
      this.#channel.send({ kind: 'run', id, request });
      begun();
      for (let taken = 1; ; taken += 1) {
        const event = await inbox.take();
        over = event.kind !== 'chunk';
        if (event.kind === 'done') return;
        if (event.kind === 'failed') throw new MeshError(event.code, event.message, { facts: event.facts });
        yield event.chunk;
        if (taken % REPORT_CHUNKS === 0) this.#channel.send({ kind: 'taken', id, chunks: REPORT_CHUNKS });
      }
    } finally {
      signal.removeEventListener('abort', abort);
      this.#inboxes.delete(id);
      if (!over && !this.#gone) this.#channel.send({ kind: 'cancel', id });
      leave();
    }
  }

  #fail(): void {
    if (this.#gone) return;
    this.#gone = true;
    for (const inbox of this.#inboxes.values()) inbox.end(gone(this.modelId));
  }
}

function gone(modelId: string): MeshError {
  return new MeshError('unavailable', `the engine process of ${modelId} has ended`, { retryAfterMs: 500 });
}

/** Events of one piece of work, in order. Bounded by the window that the child keeps. */
class Inbox {
  readonly #events: Event[] = [];
  #failure: { readonly reason: unknown } | undefined;
  #wake: () => void = () => {};

  put(event: Event): void {
    this.#events.push(event);
    this.#wake();
  }

  /** No more will be taken: what has arrived is dropped, too. */
  end(reason: unknown): void {
    this.#failure ??= { reason };
    this.#wake();
  }

  async take(): Promise<Event> {
    while (true) {
      if (this.#failure) throw this.#failure.reason;
      const event = this.#events.shift();
      if (event) return event;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
