import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type Finding, TrustError } from '../finding.ts';
import type { ManifestEntry } from '../lock.ts';
import { hashArtifact, type Hashed } from './hash.ts';
import { refuse } from './open.ts';
import { surveyUnlisted } from './survey.ts';

/** Less work than this is done sooner than a worker thread is started. */
const WORKERS_FROM_BYTES = 64 * 1024 * 1024;

export interface ArtifactOutcome {
  readonly id: string;
  readonly path: string;
  readonly state: 'verified' | 'refused' | 'missing';
  /** SHA-256 of what was read; undefined when it could not be read. */
  readonly sha256: Buffer | undefined;
}

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
}

/**
 * Hashes every artifact of the manifest as it is on disk now and compares size, flat SHA-256, chunk tree and format; surveys the
 * folders for what is not listed. Large work is spread over worker threads, largest first. Never throws for what it finds.
 */
export async function verifyArtifacts(
  root: string,
  manifest: readonly ManifestEntry[],
  options: VerifyOptions = {},
): Promise<ArtifactReport> {
  const bytesTotal = manifest.reduce((sum, { size }) => sum + size, 0);
  let bytesDone = 0;
  const onBytes = (count: number) => {
    bytesDone += count;
    options.onProgress?.({ bytesDone, bytesTotal });
  };
  const workers = options.workers ?? (bytesTotal < WORKERS_FROM_BYTES ? 0 : Math.min(availableParallelism(), manifest.length));
  const queue = manifest.toSorted((a, b) => b.size - a.size);
  const outcomes = new Map<string, { readonly outcome: ArtifactOutcome; readonly findings: readonly Finding[] }>();
  const judge = async (hash: Hasher) => {
    for (let entry = queue.shift(); entry; entry = queue.shift()) {
      options.signal?.throwIfAborted();
      outcomes.set(entry.id, await outcomeOf(entry, hash));
      onBytes(entry.size);
    }
  };
  await (workers === 0 ? judge((entry) => hashArtifact(root, entry)) : inWorkers(root, workers, judge));
  const unlisted = await surveyUnlisted(root, manifest);
  const inOrder = manifest.flatMap(({ id }) => outcomes.get(id) ?? []);
  return {
    artifacts: inOrder.map(({ outcome }) => outcome),
    findings: [...inOrder.flatMap(({ findings }) => findings), ...unlisted],
    bytes: bytesTotal,
  };
}

type Hasher = (entry: ManifestEntry) => Promise<Hashed>;

async function outcomeOf(entry: ManifestEntry, hash: Hasher) {
  const { id, path } = entry;
  try {
    const { sha256, tree } = await hash(entry);
    if (sha256.toString('hex') !== entry.sha256)
      throw refuse('DIGEST_MISMATCH', entry, 'does not match the lock: restore the file, or sign the new one');
    if (tree.toString('hex') !== entry.tree)
      throw refuse('TREE_MISMATCH', entry, 'matches its digest but not its tree: the lock contradicts itself, sign it anew');
    return { outcome: { id, path, state: 'verified' as const, sha256 }, findings: [] };
  } catch (caught) {
    if (!(caught instanceof TrustError)) throw caught;
    const state = caught.code === 'ARTIFACT_MISSING' ? ('missing' as const) : ('refused' as const);
    return { outcome: { id, path, state, sha256: undefined }, findings: caught.findings };
  }
}

async function inWorkers(root: string, count: number, judge: (hash: Hasher) => Promise<void>): Promise<void> {
  const threads = Array.from(
    { length: count },
    () => new Worker(new URL('./hashworker.ts', import.meta.url), { workerData: { root } }),
  );
  try {
    await Promise.all(threads.map((thread) => judge((entry) => askWorker(thread, entry))));
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

type Answer =
  | { readonly kind: 'hashed'; readonly sha256: Uint8Array; readonly tree: Uint8Array }
  | { readonly kind: 'refused'; readonly findings: readonly Finding[] };

function askWorker(thread: Worker, entry: ManifestEntry): Promise<Hashed> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error) => reject(error);
    thread.once('error', onError);
    thread.once('message', (answer: Answer) => {
      thread.off('error', onError);
      if (answer.kind === 'hashed') return resolve({ sha256: Buffer.from(answer.sha256), tree: Buffer.from(answer.tree) });
      const [first] = answer.findings;
      reject(
        first ? new TrustError(first.code, first.message, undefined, answer.findings) : new Error('a worker gave no answer'),
      );
    });
    thread.postMessage(entry);
  });
}
