import { Worker } from 'node:worker_threads';
import { type Finding, TrustError } from '../finding.ts';
import { hashPiece } from './hash.ts';
import type { HashedPiece, Piece } from './piece.ts';

/** What a piece hashed to, or why it did not. */
export type PieceOutcome = { readonly hashed: HashedPiece } | { readonly findings: readonly Finding[] };

export type FromHashThread =
  | { readonly kind: 'progress'; readonly bytes: number }
  | { readonly kind: 'hashed'; readonly outcomes: readonly PieceOutcome[] };

/** Hashes some pieces; outcomes in their order. */
export type BatchHasher = (batch: readonly Piece[], onBytes: (count: number) => void) => Promise<readonly PieceOutcome[]>;

/** Calls `work` once for each thread, with a hasher that lives in it; 0: once, in this thread. Ends the threads in any case. */
export async function inThreads(root: string, count: number, work: (hash: BatchHasher) => Promise<void>): Promise<void> {
  if (count === 0) return work((batch, onBytes) => hashHere(root, batch, onBytes));
  const threads = Array.from(
    { length: count },
    () => new Worker(new URL('./hashworker.ts', import.meta.url), { workerData: { root } }),
  );
  try {
    await Promise.all(threads.map((thread) => work((batch, onBytes) => ask(thread, batch, onBytes))));
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

async function hashHere(
  root: string,
  batch: readonly Piece[],
  onBytes: (count: number) => void,
): Promise<readonly PieceOutcome[]> {
  const outcomes: PieceOutcome[] = [];
  for (const piece of batch) {
    try {
      outcomes.push({ hashed: await hashPiece(root, piece, { onBytes }) });
    } catch (caught) {
      if (!(caught instanceof TrustError)) throw caught;
      outcomes.push({ findings: caught.findings });
    }
  }
  return outcomes;
}

/** A thread that ends without an answer is an error, never a wait without end. */
function ask(thread: Worker, batch: readonly Piece[], onBytes: (count: number) => void): Promise<readonly PieceOutcome[]> {
  return new Promise((resolve, reject) => {
    const onEnd = (why: unknown) => settle(() => reject(why instanceof Error ? why : new Error('a hashing thread ended early')));
    const onMessage = (message: FromHashThread) => {
      switch (message.kind) {
        case 'progress':
          return onBytes(message.bytes);
        case 'hashed':
          return settle(() => resolve(message.outcomes));
      }
    };
    const settle = (conclude: () => void) => {
      thread.off('message', onMessage).off('error', onEnd).off('exit', onEnd);
      conclude();
    };
    thread.on('message', onMessage).on('error', onEnd).on('exit', onEnd);
    thread.postMessage(batch);
  });
}
