import { MeshError } from '@smartlite/contracts';
import type { EngineProcess, PlaceUntil } from './host.ts';
import { CHUNK_WINDOW, type FromEngine, type ToEngine } from './messages.ts';
import { WorkQueue } from './queue.ts';

/** Chunks taken are reported in halves of the window, so that the child never waits for a report. */
const REPORT_CHUNKS = CHUNK_WINDOW / 2;
/** Made and not yet read, besides the work that has a place: so many slow readers cost memory alone, more hold up the others. */
const UNREAD_MAX = 32;
/** Longer than any piece of work keeps a process from answering. One that does not is loaded anew. */
const RELOCK_MS_MAX = 5_000;

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
  readonly placeUntil: PlaceUntil;
  readonly cancelMsMax: number;
  /** It did not end what was cancelled, and is ended. */
  readonly onHung: () => void;
}

type Event = Extract<FromEngine, { kind: 'chunk' | 'done' | 'failed' }>;
type Relocked = Extract<FromEngine, { kind: 'relocked' }>;

/** A loaded engine process: work goes in, chunks come back, one queue in front. */
export class LoadedProcess implements EngineProcess<unknown, unknown> {
  readonly modelId: string;
  readonly engine: string;
  readonly artifactDigests: readonly string[];
  readonly pid: number;
  readonly exited: EngineChannel['exited'];
  #lockDigest: string;
  /** Who waits to hear whether another lock covers what is loaded. */
  readonly #relocking: ((lockDigest: string | null) => void)[] = [];
  readonly #channel: EngineChannel;
  readonly #queue: WorkQueue;
  readonly #inboxes = new Map<number, Inbox>();
  /** Work that was cancelled and at which the child still is, and what is to be done when it is not. */
  readonly #cancelled = new Map<number, () => void>();
  readonly #placeUntil: PlaceUntil;
  readonly #cancelMsMax: number;
  readonly #onHung: () => void;
  #unread = 0;
  #nextId = 1;
  #gone = false;

  constructor(channel: EngineChannel, facts: LoadedFacts) {
    this.modelId = facts.modelId;
    this.engine = facts.engine;
    this.artifactDigests = facts.artifactDigests;
    this.#lockDigest = facts.lockDigest;
    this.pid = channel.pid;
    this.exited = channel.exited;
    this.#channel = channel;
    this.#queue = new WorkQueue(facts.concurrency);
    this.#placeUntil = facts.placeUntil;
    this.#cancelMsMax = facts.cancelMsMax;
    this.#onHung = facts.onHung;
    void channel.exited.then(() => this.#fail());
  }

  get lockDigest(): string {
    return this.#lockDigest;
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

  /** A message of the child. */
  deliver(event: Event | Relocked): void {
    if (event.kind === 'relocked') return this.#relocking.shift()?.(event.lockDigest);
    this.#inboxes.get(event.id)?.put(event);
    if (event.kind !== 'chunk') this.#cancelled.get(event.id)?.();
  }

  async relock({ lockBytes: lock, packBytes: pack }: Parameters<EngineProcess<unknown, unknown>['relock']>[0]): Promise<boolean> {
    if (this.#gone) return false;
    const { promise, resolve } = Promise.withResolvers<string | null>();
    this.#relocking.push(resolve);
    this.#channel.send({ kind: 'relock', lock, pack });
    const timer = setTimeout(() => resolve(null), RELOCK_MS_MAX);
    const lockDigest = await promise.finally(() => clearTimeout(timer));
    if (lockDigest === null) return false;
    this.#lockDigest = lockDigest;
    return true;
  }

  kill(): void {
    this.#fail();
    this.#channel.kill();
  }

  async *run(request: unknown, signal: AbortSignal, begun: () => void = () => undefined): AsyncGenerator<unknown> {
    const place = this.#placeOf(await this.#queue.enter(signal));
    const id = this.#nextId++;
    const inbox = new Inbox();
    const abort = () => inbox.end(signal.reason);
    try {
      if (this.#gone) throw gone(this.modelId);
      this.#inboxes.set(id, inbox);
      signal.addEventListener('abort', abort, { once: true });
      this.#channel.send({ kind: 'run', id, request });
      begun();
      for (let taken = 1; ; taken += 1) {
        const event = await inbox.take();
        if (event.kind === 'done') return;
        if (event.kind === 'failed') throw new MeshError(event.code, event.message, { facts: event.facts });
        place.made();
        yield event.chunk;
        if (taken % REPORT_CHUNKS === 0) this.#channel.send({ kind: 'taken', id, chunks: REPORT_CHUNKS });
      }
    } finally {
      signal.removeEventListener('abort', abort);
      this.#inboxes.delete(id);
      if (inbox.isOver || this.#gone) place.leave();
      else this.#cancel(id, place.leave);
    }
  }

  /** A place in the queue, left once: at the end of the work or, where making is all that takes time, when its first chunk is there. */
  #placeOf(free: () => void): { readonly made: () => void; readonly leave: () => void } {
    let state: 'making' | 'unread' | 'left' = 'making';
    return {
      made: () => {
        if (this.#placeUntil === 'end' || state !== 'making' || this.#unread >= UNREAD_MAX) return;
        state = 'unread';
        this.#unread += 1;
        free();
      },
      leave: () => {
        if (state === 'unread') this.#unread -= 1;
        if (state === 'making') free();
        state = 'left';
      },
    };
  }

  /**
   * The child is at it until it has said that it is over, and what it is sent before would wait there unseen and be taken for slow: so
   * the place is free only then. One that never says so hangs, and is ended.
   */
  #cancel(id: number, leave: () => void): void {
    const timer = setTimeout(() => {
      this.#onHung();
      this.kill();
    }, this.#cancelMsMax);
    timer.unref();
    this.#cancelled.set(id, () => {
      clearTimeout(timer);
      this.#cancelled.delete(id);
      leave();
    });
    this.#channel.send({ kind: 'cancel', id });
  }

  #fail(): void {
    if (this.#gone) return;
    this.#gone = true;
    for (const inbox of this.#inboxes.values()) inbox.end(gone(this.modelId));
    for (const over of this.#cancelled.values()) over();
    for (const tell of this.#relocking.splice(0)) tell(null);
  }
}

function gone(modelId: string): MeshError {
  return new MeshError('unavailable', `the engine process of ${modelId} has ended`, { retryAfterMs: 500 });
}

/** Events of one piece of work, in order. Bounded by the window that the child keeps. */
class Inbox {
  readonly #events: Event[] = [];
  /** The child is done with the work, whether anybody has read so far or not. */
  isOver = false;
  #failure: { readonly reason: unknown } | undefined;
  #wake: () => void = () => {};

  put(event: Event): void {
    this.#events.push(event);
    this.isOver ||= event.kind !== 'chunk';
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
