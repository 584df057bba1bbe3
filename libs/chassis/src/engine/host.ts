import type { Verified } from '@smartlite/trust';
import type { VerifiedFiles } from '../platform.ts';

/** An artifact as an engine gets it: the very bytes that were hashed, or a private unlinked copy under /proc/self/fd. */
export type EngineArtifact =
  | { readonly kind: 'bytes'; readonly id: string; readonly digest: string; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly id: string; readonly digest: string; readonly path: string };

/**
 * A model runtime, run in a child process of its service. `artifactsAs` says whether it takes bytes or insists on a path.
 * `load` gets verified artifacts alone, by artifact id in the model's order.
 */
export interface EngineModule<Request, Chunk> {
  readonly artifactsAs: 'bytes' | 'file';
  load(
    artifacts: readonly Verified<EngineArtifact>[],
    settings: Readonly<Record<string, unknown>>,
  ): Promise<LoadedEngine<Request, Chunk>>;
}

export interface LoadedEngine<Request, Chunk> {
  /** One piece of work. Chunks are sent as they are yielded; the signal ends it. Several may run at once. */
  run(request: Request, signal: AbortSignal): AsyncIterable<Chunk>;
  close?(): Promise<void>;
}

/** Starts and ends engine processes. */
export interface EngineHost {
  /**
   * Starts a child process that verifies the lock, loads the model's artifacts through the verified loader, and is ready to run.
   * Throws a MeshError: `failed` findings are also raised as an alarm.
   */
  start<Request, Chunk>(modelId: string, options?: EngineOptions): Promise<EngineProcess<Request, Chunk>>;
}

/**
 * Until when a piece of work keeps others from its place: until its `end`; or until its `first-chunk`, where an engine makes the whole of
 * an answer before it gives any of it, so that what follows is but the reading.
 */
export type PlaceUntil = 'end' | 'first-chunk';

/** How the work of one engine process is let in and out. */
export interface WorkRules {
  /** Most pieces of work at once in this process; further ones wait in a bounded queue. Absent: one. */
  readonly concurrency?: number;
  /** Absent: until its end. */
  readonly placeUntil?: PlaceUntil;
  /** A piece of work that was cancelled and has not ended so many milliseconds later hangs, and its process is ended. */
  readonly cancelMsMax?: number;
}

export interface EngineOptions extends WorkRules {
  readonly signal?: AbortSignal;
  /** Added to, and overriding, the model's settings of the pack. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface EngineProcess<Request, Chunk> {
  readonly modelId: string;
  readonly engine: string;
  readonly pid: number;
  readonly artifactDigests: readonly string[];
  /** The lock that the process itself has verified last: that of its load, or a later one that covers the same. */
  readonly lockDigest: string;
  /**
   * Has the process verify another lock and its pack. True when they cover the very bytes that it has loaded, and the model as it is:
   * from then on it serves under that lock. False: it has to be loaded anew. Work under way goes on.
   */
  relock(files: Pick<VerifiedFiles, 'lockBytes' | 'packBytes'>): Promise<boolean>;
  /**
   * Structured-clone values go both ways. Leaving the iteration, or the signal, cancels the work in the child. `begun` is called when
   * the work has left the queue and goes to the child.
   */
  run(request: Request, signal: AbortSignal, begun?: () => void): AsyncIterable<Chunk>;
  readonly inflight: number;
  readonly queued: number;
  /** How long new work would wait for its turn, in milliseconds, by what the latest pieces of work have taken. */
  readonly waitMs: number;
  /** Resolves when the process is gone, whatever the reason. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** Ends it at once; work in flight fails as unavailable. */
  kill(): void;
}
