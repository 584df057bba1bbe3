import { readFile } from 'node:fs/promises';
import {
  digestOf,
  lockDigest,
  type LockFile,
  parseLock,
  pemSigner,
  readMark,
  signedPart,
  signLock,
  type TrustDocument,
  writeAtomically,
} from '@smartlite/trust';
import type { Place } from '../up/place.ts';
import { appendAudit, domainFiles, readKey } from './files.ts';
import { nearEnd } from './validity.ts';

/** Why a development domain should sign now; undefined when its lock covers the pack. A lock that was tampered with is left for the verifier to judge. */
export async function signingReason(
  place: Place,
  nowMs: number,
  { keyChanged }: { keyChanged: boolean },
): Promise<string | undefined> {
  const lock = await readLock(place);
  if (lock === 'absent') return 'there was no lock yet';
  if (lock === 'unreadable') return undefined;
  if (lock.pack.digest !== digestOf(await readFile(place.pack))) return 'the pack has changed';
  if (keyChanged) return 'the signing key is new';
  return nearEnd(Date.parse(lock.expires), nowMs) ? 'the lock was near its end' : undefined;
}

/** Signs the pack with the domain's own key and replaces the lock; gives the line that says so. Refuses bytes that the pack does not pin. */
export async function signPack(
  place: Place,
  { fleet, generation }: TrustDocument,
  nowMs: number,
  reason: string,
): Promise<string> {
  const [pack, { key, chain }, mark, former] = await Promise.all([
    readFile(place.pack),
    readKey(domainFiles(place).signing),
    readMark(place.mark),
    readLock(place),
  ]);
  const last = typeof former === 'object' ? former : undefined;
  const sequence = Math.max(last?.sequence ?? 0, mark?.sequence ?? 0) + 1;
  const previous = last ? lockDigest(signedPart(last)) : null;
  const signed = await signLock({
    pack,
    root: place.models,
    fleet,
    generation,
    sequence,
    previous,
    nowMs,
    signers: [{ signer: pemSigner(key), chain }],
  });
  await writeAtomically(place.lock, signed.bytes);
  for (const { keyid, of } of signed.signatures) {
    await appendAudit(place.auditLog, {
      at: new Date(nowMs).toISOString(),
      kind: 'signature.made',
      actor: 'npm start',
      keyid,
      of,
      lockSequence: sequence,
      lockDigest: signed.digest,
      because: reason,
    });
  }
  return `Lock ${sequence} signed, because ${reason}: ${signed.file.manifest.length} artifacts.`;
}

async function readLock(place: Place): Promise<LockFile | 'absent' | 'unreadable'> {
  const bytes = await readFile(place.lock).catch(() => undefined);
  if (bytes === undefined) return 'absent';
  try {
    return parseLock(bytes, place.lock);
  } catch {
    return 'unreadable';
  }
}
