import { digestOf } from './digest.ts';
import { parseLock } from './lock.ts';
import { PACK_BYTES_MAX } from './pack.ts';
import { readBounded } from './readfile.ts';

/**
 * Where a pack may wait for its lock, beside the one in force. Pack and lock are two files, and no step replaces both: so a new pack is
 * laid down here, its lock is put in place in one step, and the pack follows whenever it likes.
 */
export function nextPackPath(pack: string): string {
  return `${pack}.next`;
}

/**
 * The pack that a lock names by its digest: the one in its place, else the one that waits beside it; where neither is it, the one in its
 * place. Nothing is proven by that: whoever uses the pack proves the lock, and that it covers these bytes. Throws what `read` throws for the one in its place.
 */
export async function packFor(lock: Uint8Array, path: string, read: (path: string) => Promise<Uint8Array>): Promise<Uint8Array> {
  const named = digestNamedIn(lock);
  const inPlace = await read(path);
  if (named === undefined || digestOf(inPlace) === named) return inPlace;
  const next = await readBounded(nextPackPath(path), PACK_BYTES_MAX).catch(() => undefined);
  if (next !== undefined && digestOf(next) === named) return next;
  // Between the two looks it may have been put in its place.
  return read(path);
}

/** Undefined for what is no lock: whoever proves it says so. */
function digestNamedIn(lock: Uint8Array): string | undefined {
  try {
    return parseLock(lock).pack.digest;
  } catch {
    return undefined;
  }
}
