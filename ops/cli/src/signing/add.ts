import { existsSync } from 'node:fs';
import {
  addSignatures,
  artifactSignatureFindings,
  type LockFile,
  PACK_BYTES_MAX,
  parseLock,
  readBounded,
  readMark,
  sha256Hex,
  type TrustDocument,
  TrustError,
  verifyArtifacts,
  verifyLock,
} from '@smartlite/trust';
import { type PlacedLock, placeLock, type SigningOrder, waitingLock } from '../domain/signing.ts';
import { Problem } from '../problem.ts';
import type { Place } from '../up/place.ts';
import { readLockFile } from '../verification/read.ts';

/**
 * Adds the signatures of further keys to the lock that waits for them, or else to the one that serves. A holder signs what it has seen: lock,
 * pack and every byte are proven here first. Throws TrustError for what is not proven, Problem for a key that has signed already.
 */
export async function addToLock(
  place: Place,
  trust: TrustDocument,
  { nowMs, because, signers, onProgress }: SigningOrder,
): Promise<PlacedLock> {
  const { file, proven } = await provenLock(place, trust, nowMs);
  assertNew(
    signers.map(({ signer }) => sha256Hex(signer.spki)),
    file,
  );
  const { findings, artifacts } = await verifyArtifacts(place.models, proven.lock.manifest, onProgress ? { onProgress } : {});
  // No signature covers those of the artifacts: whoever carried the file here may have touched them.
  const digests = new Map(artifacts.map(({ id, sha256 }) => [id, sha256]));
  TrustError.throwIf([...findings, ...artifactSignatureFindings(proven, (id) => digests.get(id))]);
  return placeLock(place, trust, await addSignatures(file, signers), { nowMs, because });
}

/** Everything but the number of keys, which is what is being mended. */
async function provenLock(place: Place, trust: TrustDocument, nowMs: number) {
  // Whatever lies in the waiting lock's place is what is asked about: only where nothing does, the one that serves is.
  const waits = existsSync(waitingLock(place));
  const lock = await readLockFile(waits ? waitingLock(place) : place.lock);
  const pack = await readBounded(place.pack, PACK_BYTES_MAX);
  const mark = await readMark(place.mark);
  const proven = verifyLock({ lock, pack, trust: { ...trust, thresholds: { lock: 1 } }, nowMs, mark });
  return { file: parseLock(lock), proven };
}

function assertNew(keyids: readonly string[], { signatures }: LockFile): void {
  const signed = new Set(signatures.lock.map(({ keyid }) => keyid));
  const again = keyids.find((keyid) => signed.has(keyid));
  if (again !== undefined)
    throw new Problem(
      `Key ${again.slice(0, 16)} has signed this lock already: one holder counts once.`,
      'Have another holder sign, with another key.',
    );
}
