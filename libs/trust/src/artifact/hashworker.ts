import { parentPort, workerData } from 'node:worker_threads';
import { TrustError } from '../finding.ts';
import { hashPiece, type Piece } from './piece.ts';
import type { FromHashThread } from './threads.ts';

// One piece at a time, in a thread of its own. Findings go back as values: errors lose their class on the way.

/** Between two words about progress: some twenty a second. */
const TELL_BYTES = 32 * 1024 * 1024;
const { root } = workerData as { readonly root: string };
const answer = (message: FromHashThread) => parentPort?.postMessage(message);

parentPort?.on('message', (piece: Piece) => {
  let untold = 0;
  const tell = () => {
    answer({ kind: 'progress', bytes: untold });
    untold = 0;
  };
  const onBytes = (count: number) => {
    untold += count;
    if (untold >= TELL_BYTES) tell();
  };
  hashPiece(root, piece, { blocking: true, onBytes }).then(
    (hashed) => {
      tell();
      answer({ kind: 'hashed', hashed });
    },
    (caught: unknown) => {
      if (!(caught instanceof TrustError)) throw caught;
      answer({ kind: 'refused', findings: caught.findings });
    },
  );
});
