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
  writeAtomically,
} from '@smartlite/trust';
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

/** Signs the pack and replaces the lock in one step. Refuses bytes that the pack does not pin. Every signature goes into the trail. */
export async function signPack(
  place: Place,
  trust: TrustDocument,
  { nowMs, because, signers, onProgress, scan }: SigningOrder,
): Promise<SignedLock> {
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
  await writeAtomically(place.lock, signed.bytes);
  await recordSignatures(place, signed, because);
  return signed;
}

export function recordSignatures(place: Place, { signatures, file, digest }: SignedLock, because: string): Promise<void> {
  return record(
    place,
    signatures.map(({ keyid, of }) => ({
      kind: 'signature.made' as const,
      facts: { keyid, of, lockSequence: file.sequence, lockDigest: digest, because },
    })),
  );
}
