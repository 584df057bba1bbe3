import {
  type Digest,
  LOCK_BYTES_MAX,
  lockDigest,
  type LockFile,
  type Mark,
  parseLock,
  readBounded,
  signedPart,
  type TrustDocument,
  TrustError,
  verifyLockSignatures,
} from '@smartlite/trust';

/** The lock that lies there: absent, unreadable, or parsed. Nothing of it is proven. */
export async function readLock(path: string): Promise<LockFile | 'absent' | 'unreadable'> {
  try {
    return parseLock(await readBounded(path, LOCK_BYTES_MAX), path);
  } catch (caught) {
    return (caught as NodeJS.ErrnoException).code === 'ENOENT' ? 'absent' : 'unreadable';
  }
}

/** Place of a new lock in the order of locks. */
export interface Succession {
  readonly sequence: number;
  readonly previous: Digest | null;
}

/**
 * What comes after the lock that lies there and the highest one verified here. A lock that cannot be proven does not count: whoever
 * may write the file could else push the sequence to its end.
 */
export function successionOf(
  former: LockFile | 'absent' | 'unreadable',
  trust: TrustDocument,
  mark: Mark | undefined,
): Succession {
  const last = typeof former === 'object' && isProven(former, trust) ? former : undefined;
  const known = mark?.generation === trust.generation ? mark : undefined;
  if (last && last.sequence >= (known?.sequence ?? 0)) {
    const same = last.sequence === known?.sequence;
    return { sequence: last.sequence + 1, previous: same ? (known.digest as Digest) : lockDigest(signedPart(last)) };
  }
  if (known) return { sequence: known.sequence + 1, previous: known.digest as Digest };
  return { sequence: Math.max(1, trust.min_sequence + 1), previous: null };
}

/** By the keys of its own time: a lock that has ended was a lock. */
function isProven(former: LockFile, trust: TrustDocument): boolean {
  try {
    verifyLockSignatures(former, trust, Date.parse(former.issued));
    return former.generation === trust.generation;
  } catch (caught) {
    if (caught instanceof TrustError) return false;
    throw caught;
  }
}
