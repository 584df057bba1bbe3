import { availableParallelism } from 'node:os';
import { type Finding, TrustError } from '../finding.ts';
import { refuse } from './open.ts';
import { batchesOf, type Hashable, type HashedPiece, type Piece, piecesOf } from './piece.ts';
import { inThreads, type PieceOutcome } from './threads.ts';

/** Less work than this is done sooner than a worker thread is started. */
const WORKERS_FROM_BYTES = 64 * 1024 * 1024;

export interface HashAllOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly bytesDone: number; readonly bytesTotal: number }) => void;
  /** Worker threads; by default one a core. 0: in this thread. */
  readonly workers?: number;
  /** Flat digest and chunk tree of every artifact; else the cheaper one of them, for each alone proves the bytes. */
  readonly both?: boolean;
}

/** What an artifact hashed to, as far as it was asked for. */
export interface Gathered {
  readonly sha256: Buffer | undefined;
  readonly leaves: readonly Buffer[] | undefined;
}

/**
 * Hashes artifacts as they are on disk now, each to its hashes or to what stands in the way, in their order. Large work is spread over
 * worker threads, largest first. Throws for what is no finding, and when the signal ends it.
 */
export async function hashAll(
  root: string,
  artifacts: readonly Hashable[],
  { signal, onProgress, workers, both = false }: HashAllOptions = {},
): Promise<readonly (Gathered | TrustError)[]> {
  const bytesTotal = artifacts.reduce((sum, { size }) => sum + size, 0);
  let bytesRead = 0;
  // Large artifacts that are hashed both ways are read twice: progress is told in bytes of artifacts.
  const toRead = artifacts.reduce((sum, artifact) => sum + bytesOf([...piecesOf(artifact, { both })], artifact), 0);
  const onBytes = (count: number) => {
    bytesRead += count;
    onProgress?.({ bytesDone: Math.floor(bytesRead * (bytesTotal / toRead)), bytesTotal });
  };
  const gatherings = artifacts.map((artifact) => new Gathering(artifact));
  const batches = batchesOf(jobsOf(gatherings, both));
  await inThreads(root, workers ?? threadsFor(toRead), async (hash) => {
    // One iterator for all threads: each takes the next batch.
    for (const batch of batches) {
      signal?.throwIfAborted();
      const due = batch.filter(({ gathering }) => !gathering.refused);
      const outcomes =
        due.length === 0
          ? []
          : await hash(
              due.map(({ piece }) => piece),
              onBytes,
            );
      for (const [index, outcome] of outcomes.entries()) due[index]?.gathering.take(outcome);
    }
  });
  return gatherings.map((gathering) => gathering.result());
}

function threadsFor(bytes: number): number {
  return bytes < WORKERS_FROM_BYTES ? 0 : availableParallelism();
}

function bytesOf(pieces: readonly Piece[], { size }: Hashable): number {
  return pieces.some(({ flat }) => flat) && pieces.length > 1 ? 2 * size : size;
}

/** Largest artifacts come first, so that no thread ends long after the others. */
function* jobsOf(gatherings: readonly Gathering[], both: boolean) {
  for (const gathering of gatherings.toSorted((a, b) => b.artifact.size - a.artifact.size))
    for (const piece of piecesOf(gathering.artifact, { both })) yield { gathering, piece };
}

/** Gathers the pieces of one artifact. */
class Gathering {
  readonly artifact: Hashable;
  readonly #pieces: HashedPiece[] = [];
  readonly #refusals: TrustError[] = [];

  constructor(artifact: Hashable) {
    this.artifact = artifact;
  }

  /** One finding is enough: the rest of the artifact need not be read. */
  get refused(): boolean {
    return this.#refusals.length > 0;
  }

  take(outcome: PieceOutcome): void {
    if ('hashed' in outcome) this.#pieces.push(outcome.hashed);
    else this.#refusals.push(refusalOf(outcome.findings));
  }

  result(): Gathered | TrustError {
    const refusal = this.#refusal();
    if (refusal) return refusal;
    if (this.#pieces.length === 0) throw new Error(`artifact ${this.artifact.id} was not hashed`);
    if (new Set(this.#pieces.map(({ state }) => state)).size > 1)
      return refuse('CHANGED_WHILE_READ', this.artifact, 'was changed or exchanged while it was read');
    const flat = this.#pieces.find(({ sha256 }) => sha256 !== undefined)?.sha256;
    const ofTree = this.#pieces.filter(({ leaves }) => leaves !== undefined).toSorted((a, b) => a.first - b.first);
    return {
      sha256: flat && Buffer.from(flat),
      leaves: ofTree.length === 0 ? undefined : ofTree.flatMap(({ leaves = [] }) => leaves.map((leaf) => Buffer.from(leaf))),
    };
  }

  /** Each piece is opened anew: a size that is wrong for one and was right for another has changed in between. */
  #refusal(): TrustError | undefined {
    const grew = this.#refusals.find(({ code }) => code === 'GREW_WHILE_READ');
    const [first] = this.#refusals;
    if (first?.code !== 'SIZE_MISMATCH' || (!grew && this.#pieces.length === 0)) return first;
    return grew ?? refuse('GREW_WHILE_READ', this.artifact, 'changed its size while it was read');
  }
}

function refusalOf(findings: readonly Finding[]): TrustError {
  const [first] = findings;
  if (first === undefined) throw new Error('a thread refused without a finding');
  return new TrustError(first.code, first.message, undefined, findings);
}
