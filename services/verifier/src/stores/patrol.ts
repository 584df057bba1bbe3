import { randomInt } from 'node:crypto';
import { chunksOf, type ManifestEntry, TrustError, verifyChunk } from '@smartlite/trust';
import { pause } from './pause.ts';
import type { Suspects } from './suspicion.ts';

/**
 * Part of one core that the patrol may take: too little for anybody who is served to notice, and still 400 MB are read round in half a
 * minute, 10 GB in ten. Time that a slow disk takes counts as well, so the disk is as little burdened.
 */
const CPU_SHARE = 0.02;
/** A disk that hangs once does not end the patrol for an hour. */
const PAUSE_MAX_MS = 10_000;
/** While nothing has been verified yet there is nothing to compare with. */
const IDLE_MS = 1_000;
/** How often the lock itself is proven again: an end of validity is found so soon, at a few milliseconds each time. */
const PROVE_EVERY_MS = 10_000;

/** What is patrolled: artifacts that the last full verification found as signed. Another object after each verification. */
export interface Beat {
  readonly manifest: readonly ManifestEntry[];
}

export interface Patrolled {
  /** Folder that the manifest's paths are relative to. */
  readonly root: string;
  readonly beat: () => Beat | undefined;
  /** Whether lock and pack still hold; false is a suspicion like any other. */
  readonly stillProven: () => Promise<boolean>;
  readonly onChange: (suspects: Suspects) => void;
  readonly proveEveryMs?: number;
}

/**
 * The third tier: reads the models again without end, a chunk at a time in an order that nobody can foretell, and proves each by the
 * signed tree. It sees what leaves no trace in the inode, such as writes through a mapping whose page was dirty before. Blind to a change that
 * is undone before its chunk's turn comes, to bytes that changed on the disk beneath the page cache until the kernel reads them anew, and to
 * artifacts of several chunks under an older lock that lists none. Ends with the signal.
 */
export async function patrol(patrolled: Patrolled, signal: AbortSignal): Promise<void> {
  const proving = proveAgain(patrolled, signal);
  while (!signal.aborted) {
    const beat = patrolled.beat();
    const round = beat === undefined ? [] : shuffled(placesOf(beat));
    if (round.length === 0) await pause(IDLE_MS, signal);
    for (const { entry, index } of round) {
      // After a verification the round begins anew: it may be another lock's.
      if (signal.aborted || patrolled.beat() !== beat) break;
      const startedAt = performance.now();
      if (!(await stillSigned(patrolled.root, entry, index))) patrolled.onChange([entry.path]);
      await pause(restMs(performance.now() - startedAt), signal);
    }
  }
  await proving;
}

/** Rest after so much work, that the work stays within its share. */
export function restMs(workMs: number): number {
  return Math.min(PAUSE_MAX_MS, workMs * (1 / CPU_SHARE - 1));
}

async function proveAgain(
  { beat, stillProven, onChange, proveEveryMs = PROVE_EVERY_MS }: Patrolled,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await pause(proveEveryMs, signal);
    if (!signal.aborted && beat() !== undefined && !(await stillProven())) onChange(null);
  }
}

function placesOf({ manifest }: Beat) {
  return manifest.flatMap((entry) => Array.from({ length: chunksOf(entry) }, (_, index) => ({ entry, index })));
}

/** Fisher and Yates. By the system's randomness: whoever could foretell the order would know when to put a change back. */
export function shuffled<T>(items: readonly T[]): readonly T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = randomInt(last + 1);
    [order[last], order[other]] = [order[other] as T, order[last] as T];
  }
  return order;
}

async function stillSigned(root: string, entry: ManifestEntry, index: number): Promise<boolean> {
  try {
    await verifyChunk(root, entry, index);
    return true;
  } catch (caught) {
    if (caught instanceof TrustError) return false;
    throw caught;
  }
}
