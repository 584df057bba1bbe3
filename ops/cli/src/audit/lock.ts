import { type ProvenLock, type TrustDocument, TrustError, verifyLock } from '@smartlite/trust';
import { Problem } from '../problem.ts';
import { readLockFile, readPackFile } from '../verification/read.ts';

/** The lock that a receipt is held against, proven at the time it was issued: receipts outlive locks. Throws a Problem for one that is not proven. */
export async function lockOf(files: { readonly lock: string; readonly pack: string }, trust: TrustDocument): Promise<ProvenLock> {
  const [lock, pack] = [await readLockFile(files.lock), await readPackFile(files.pack)];
  try {
    return verifyLock({ lock, pack, trust, nowMs: issuedMs(lock), historic: true });
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause;
    throw new Problem(`${files.lock}: ${cause.message}.`, 'Name the lock and the pack of the receipt: --lock FILE --pack FILE.', {
      cause,
    });
  }
}

function issuedMs(lock: Uint8Array): number {
  try {
    const { issued } = JSON.parse(Buffer.from(lock).toString('utf8')) as { issued: unknown };
    return Date.parse(String(issued)) || 0;
  } catch {
    return 0;
  }
}
