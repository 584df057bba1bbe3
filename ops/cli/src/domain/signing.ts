import { rm } from 'node:fs/promises';
import {
  type Digest,
  digestOf,
  PACK_BYTES_MAX,
  readBounded,
  readMark,
  type SignedLock,
  type SignInput,
  type Signer,
  signLock,
  type TrustDocument,
  TrustError,
  verifyLockSignatures,
  writeAtomically,
} from '@smartlite/trust';
import { Problem } from '../problem.ts';
import { readLock, successionOf } from '../signing/lockfile.ts';
import { record } from '../trail/record.ts';
import type { Place } from '../up/place.ts';
import { nearEnd } from './validity.ts';

/** Why a development domain should sign now; undefined when its lock covers the pack. A lock that was tampered with is left for the verifier to judge. */
export async function signingReason(
  place: Place,
  nowMs: number,
  { keyChanged }: { keyChanged: boolean },
): Promise<string | undefined> {
  const lock = await readLock(place.lock);
  if (lock === 'absent') return 'there was no lock yet';
  if (lock === 'unreadable') return undefined;
  if (lock.pack.digest !== digestOf(await readBounded(place.pack, PACK_BYTES_MAX))) return 'the pack has changed';
  if (keyChanged) return 'the signing key is new';
  return nearEnd(Date.parse(lock.expires), nowMs) ? 'the lock was near its end' : undefined;
}

/** A key that signs, with its certificate chain (PEM, leaf first). */
export interface CertifiedSigner {
  readonly signer: Signer;
  readonly chain: readonly string[];
}

export interface SigningOrder {
  readonly nowMs: number;
  /** For the audit trail. */
  readonly because: string;
  readonly signers: readonly CertifiedSigner[];
  readonly onProgress?: SignInput['onProgress'];
  readonly scan?: Digest | undefined;
}

/** A lock as it was signed, and where it lies. */
export interface PlacedLock extends SignedLock {
  readonly path: string;
  /** Distinct keys that have signed it, and how many must. */
  readonly keys: number;
  readonly due: number;
}

/**
 * Signs the pack and replaces the lock in one step. Refuses bytes that the pack does not pin. A lock that wants further keys never takes the
 * place of the one that serves: it waits beside it. Every signature goes into the trail.
 */
export async function signPack(
  place: Place,
  trust: TrustDocument,
  { nowMs, because, signers, onProgress, scan }: SigningOrder,
): Promise<PlacedLock> {
  const [pack, mark, former] = await Promise.all([
    readBounded(place.pack, PACK_BYTES_MAX),
    readMark(place.mark),
    readLock(place.lock),
  ]);
  const signed = await signLock({
    pack,
    root: place.models,
    fleet: trust.fleet,
    generation: trust.generation,
    ...successionOf(former, trust, mark),
    nowMs,
    signers,
    ...(onProgress && { onProgress }),
    ...(scan && { scan }),
  });
  return placeLock(place, trust, signed, { nowMs, because });
}

/** Where a lock waits for further keys. */
export function waitingLock({ lock }: Place): string {
  return `${lock}.waiting`;
}

/** Puts a signed lock where it belongs: in the place of the one that serves, or, while keys are missing, beside it. */
export async function placeLock(
  place: Place,
  trust: TrustDocument,
  signed: SignedLock,
  { nowMs, because }: Pick<SigningOrder, 'nowMs' | 'because'>,
): Promise<PlacedLock> {
  const keys = keysThatCount(signed, trust, nowMs);
  const due = trust.thresholds.lock;
  const path = keys < due ? waitingLock(place) : place.lock;
  await writeAtomically(path, signed.bytes).catch((cause: NodeJS.ErrnoException) => {
    throw new Problem(
      `Not signed. ${path}: no lock can be written there (${cause.code ?? cause.message}).`,
      'The former lock was left as it was: name another file with --lock, or mend the folder.',
      { exitCode: 2, cause },
    );
  });
  if (path === place.lock) await rm(waitingLock(place), { force: true });
  await recordSignatures(place, signed, because);
  return { ...signed, path, keys, due };
}

/** Of a former key whose certificate has ended the signature stays, and counts no more. A lock that does not hold at all is its signer's to hear of. */
function keysThatCount({ file }: SignedLock, trust: TrustDocument, nowMs: number): number {
  try {
    return verifyLockSignatures(file, { ...trust, thresholds: { lock: 1 } }, nowMs).size;
  } catch (caught) {
    if (!(caught instanceof TrustError)) throw caught;
    return new Set(file.signatures.lock.map(({ keyid }) => keyid)).size;
  }
}

function recordSignatures(place: Place, { signatures, file, digest }: SignedLock, because: string): Promise<void> {
  return record(
    place,
    signatures.map(({ keyid, of }) => ({
      kind: 'signature.made' as const,
      facts: { keyid, of, lockSequence: file.sequence, lockDigest: digest, because },
    })),
  );
}
