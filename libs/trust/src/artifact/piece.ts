import type { ManifestEntry } from '../lock.ts';
import { CHUNK_BYTES, chunksIn } from './tree.ts';

/** Chunks of one piece: 64 MiB, so that threads end together and opening costs nothing beside reading. */
const PIECE_CHUNKS = 16;
/** Small pieces go to a thread together, up to so many bytes: some ten milliseconds of work, beside which a message costs nothing. */
const BATCH_BYTES = 8 * 1024 * 1024;
/** And so many pieces, so that an end that is asked for does not wait for a thousand tiny files. */
const BATCH_PIECES = 64;

/** What must be known of an artifact to hash it. */
export type Hashable = Pick<ManifestEntry, 'id' | 'path' | 'size' | 'format'>;

/** What one thread does at a time: `count` chunks from `first`. A flat digest is always of the whole. */
export interface Piece {
  readonly entry: Hashable;
  readonly first: number;
  readonly count: number;
  readonly flat: boolean;
  readonly tree: boolean;
}

export interface HashedPiece {
  readonly first: number;
  /** Which very file, in which state: pieces of one artifact must agree in that. */
  readonly state: string;
  readonly sha256?: Uint8Array;
  readonly leaves?: readonly Uint8Array[];
}

export function wholeOf({ id, path, size, format }: Hashable) {
  return { entry: { id, path, size, format }, first: 0, count: chunksIn(size) };
}

/**
 * How an artifact is divided. Each of flat digest and chunk tree alone proves the bytes, so the cheaper one is taken: flat where there is
 * one chunk, else the tree, which all cores can work on. `both`: flat digest and tree, whatever it costs; in one pass where one thread
 * does it all.
 */
export function* piecesOf(artifact: Hashable, { both }: { readonly both: boolean }): Iterable<Piece> {
  const whole = wholeOf(artifact);
  if (whole.count <= 1) return yield { ...whole, flat: true, tree: both };
  if (both && whole.count <= PIECE_CHUNKS) return yield { ...whole, flat: true, tree: true };
  if (both) yield { ...whole, flat: true, tree: false };
  for (let first = 0; first < whole.count; first += PIECE_CHUNKS)
    yield { ...whole, first, count: Math.min(PIECE_CHUNKS, whole.count - first), flat: false, tree: true };
}

/** Gathers small pieces, in order; a large one stands alone. */
export function* batchesOf<T extends { readonly piece: Piece }>(jobs: Iterable<T>): Generator<readonly T[]> {
  let batch: T[] = [];
  let bytes = 0;
  for (const job of jobs) {
    const next = Math.min(job.piece.entry.size, job.piece.count * CHUNK_BYTES);
    if (batch.length > 0 && (bytes + next > BATCH_BYTES || batch.length === BATCH_PIECES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(job);
    bytes += next;
  }
  if (batch.length > 0) yield batch;
}
