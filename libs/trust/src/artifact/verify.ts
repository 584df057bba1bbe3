import { availableParallelism } from 'node:os';
import type { Finding } from '../finding.ts';
import type { ManifestEntry } from '../lock.ts';
import { type Piece, piecesOf } from './piece.ts';
import { surveyUnlisted } from './survey.ts';
import { type ArtifactOutcome, Tally } from './tally.ts';
import { inThreads } from './threads.ts';

/** Less work than this is done sooner than a worker thread is started. */
const WORKERS_FROM_BYTES = 64 * 1024 * 1024;

export interface ArtifactReport {
  readonly artifacts: readonly ArtifactOutcome[];
  readonly findings: readonly Finding[];
  readonly bytes: number;
}

export interface VerifyOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly bytesDone: number; readonly bytesTotal: number }) => void;
  /** Worker threads; by default one a core. 0: in this thread. */
  readonly workers?: number;
  /**
   * Flat digest and chunk tree of every artifact. Each of them alone proves the bytes, so by default the cheaper one is taken: the
   * flat digest of small artifacts, the tree of large ones, which all cores can work on.
   */
  readonly both?: boolean;
}

/**
 * Hashes every artifact of the manifest as it is on disk now and compares size, digest and format; surveys the folders for what is not
 * listed. Large work is spread over worker threads, largest first. Never throws for what it finds.
 */
export async function verifyArtifacts(
  root: string,
  manifest: readonly ManifestEntry[],
  { signal, onProgress, workers, both = false }: VerifyOptions = {},
): Promise<ArtifactReport> {
  const bytesTotal = manifest.reduce((sum, { size }) => sum + size, 0);
  let bytesDone = 0;
  const onBytes = (count: number) => onProgress?.({ bytesDone: (bytesDone += count), bytesTotal });
  const tallies = manifest.map((entry) => new Tally(entry));
  const jobs = jobsOf(tallies, both);
  await inThreads(root, workers ?? threadsFor(bytesTotal), async (hash) => {
    for (const { tally, piece } of jobs) {
      signal?.throwIfAborted();
      if (!tally.refused) await tally.take(hash(piece, onBytes));
    }
  });
  const unlisted = await surveyUnlisted(root, manifest);
  const judged = tallies.map((tally) => tally.judge());
  return {
    artifacts: judged.map(({ outcome }) => outcome),
    findings: [...judged.flatMap(({ findings }) => findings), ...unlisted],
    bytes: bytesTotal,
  };
}

function threadsFor(bytes: number): number {
  return bytes < WORKERS_FROM_BYTES ? 0 : availableParallelism();
}

/** One iterator for all threads: each takes the next job. Largest artifacts come first, so that no thread ends long after the others. */
function* jobsOf(tallies: readonly Tally[], both: boolean): Generator<{ readonly tally: Tally; readonly piece: Piece }> {
  for (const tally of tallies.toSorted((a, b) => b.entry.size - a.entry.size))
    for (const piece of piecesOf(tally.entry, { both })) yield { tally, piece };
}
