import { parentPort, workerData } from 'node:worker_threads';
import { TrustError } from '../finding.ts';
import { hashPiece } from './hash.ts';
import type { Piece } from './piece.ts';
import type { FromHashThread, PieceOutcome } from './threads.ts';

// One batch at a time, in a thread of its own. Findings go back as values: errors lose their class on the way.

/** Between two words about progress: some twenty a second. */
const TELL_BYTES = 32 * 1024 * 1024;
const { root } = workerData as { readonly root: string };
const answer = (message: FromHashThread) => parentPort?.postMessage(message);

parentPort?.on('message', (batch: readonly Piece[]) => void hashBatch(batch));

async function hashBatch(batch: readonly Piece[]): Promise<void> {
  let untold = 0;
  const tell = () => {
    answer({ kind: 'progress', bytes: untold });
    untold = 0;
  };
  const onBytes = (count: number) => {
    untold += count;
    if (untold >= TELL_BYTES) tell();
  };
  const outcomes: PieceOutcome[] = [];
  for (const piece of batch) outcomes.push(await outcomeOf(piece, onBytes));
  tell();
  answer({ kind: 'hashed', outcomes });
}

async function outcomeOf(piece: Piece, onBytes: (count: number) => void): Promise<PieceOutcome> {
  try {
    return { hashed: await hashPiece(root, piece, { blocking: true, onBytes }) };
  } catch (caught) {
    if (!(caught instanceof TrustError)) throw caught;
    return { findings: caught.findings };
  }
}
