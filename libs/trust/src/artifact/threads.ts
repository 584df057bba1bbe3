import { Worker } from 'node:worker_threads';
import { type Finding, TrustError } from '../finding.ts';
import { type HashedPiece, hashPiece, type Piece } from './piece.ts';

export type FromHashThread =
  | { readonly kind: 'progress'; readonly bytes: number }
  | { readonly kind: 'hashed'; readonly hashed: HashedPiece }
  | { readonly kind: 'refused'; readonly findings: readonly Finding[] };

/** Hashes one piece; throws TrustError with the finding. */
export type PieceHasher = (piece: Piece, onBytes: (count: number) => void) => Promise<HashedPiece>;

/** Calls `work` once for each thread, with a hasher that lives in it; 0: once, in this thread. Ends the threads in any case. */
export async function inThreads(root: string, count: number, work: (hash: PieceHasher) => Promise<void>): Promise<void> {
  if (count === 0) return work((piece, onBytes) => hashPiece(root, piece, { onBytes }));
  const threads = Array.from(
    { length: count },
    () => new Worker(new URL('./hashworker.ts', import.meta.url), { workerData: { root } }),
  );
  try {
    await Promise.all(threads.map((thread) => work((piece, onBytes) => ask(thread, piece, onBytes))));
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

/** A thread that ends without an answer is an error, never a wait without end. */
function ask(thread: Worker, piece: Piece, onBytes: (count: number) => void): Promise<HashedPiece> {
  return new Promise((resolve, reject) => {
    const onEnd = (why: unknown) => settle(() => reject(why instanceof Error ? why : new Error('a hashing thread ended early')));
    const onMessage = (message: FromHashThread) => {
      switch (message.kind) {
        case 'progress':
          return onBytes(message.bytes);
        case 'hashed':
          return settle(() => resolve(message.hashed));
        case 'refused':
          return settle(() => reject(refusalOf(message.findings)));
      }
    };
    const settle = (conclude: () => void) => {
      thread.off('message', onMessage).off('error', onEnd).off('exit', onEnd);
      conclude();
    };
    thread.on('message', onMessage).on('error', onEnd).on('exit', onEnd);
    thread.postMessage(piece);
  });
}

function refusalOf(findings: readonly Finding[]): Error {
  const [first] = findings;
  return first ? new TrustError(first.code, first.message, undefined, findings) : new Error('a thread refused without a finding');
}
