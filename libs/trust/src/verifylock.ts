import { assertChunks } from './artifact/chunks.ts';
import { readCertificate, verifyRoleCertificate } from './certificates/verify.ts';
import { type Digest, sha256Hex } from './digest.ts';
import { finding, type Finding, TrustError } from './finding.ts';
import { type Lock, lockDigest, lockPayload, LOCK_PAYLOAD_TYPE, type LockFile, parseLock, signedPart } from './lock.ts';
import { assertOrder, type Mark } from './mark.ts';
import { coverage, type Pack, verifyPack } from './pack.ts';
import { pae } from './pae.ts';
import { RELEASE } from './release.ts';
import { verifyDigestSignature, verifySignature } from './signature.ts';
import type { GuardedKey } from './spki.ts';
import type { TrustDocument } from './trustdocument.ts';
import { asVerified, type Verified } from './verified.ts';

/** Clocks of one fleet may differ by so much without a lock being "not yet valid". */
const CLOCK_SKEW_MS = 60_000;

export interface LockInput {
  readonly lock: Uint8Array;
  readonly pack: Uint8Array;
  readonly trust: TrustDocument;
  readonly nowMs: number;
  /** The highest lock that this host has seen; undefined on a new host. */
  readonly mark?: Mark | undefined;
  /** The lock is judged as of a time in the past, which no clock says. */
  readonly historic?: boolean;
}

/** A lock that may serve: every rule of it has been proven. */
export interface ProvenLock {
  readonly lock: Verified<Lock>;
  readonly digest: Digest;
  readonly pack: Verified<Pack>;
  /** Keys that signed and are trusted, by key id. */
  readonly signers: ReadonlyMap<string, GuardedKey>;
  readonly signatures: LockFile['signatures'];
  /** What the mark is to be after a full verification. */
  readonly mark: Mark;
}

/**
 * Proves a lock in this order: the clock, form, fleet, signers' chains, signatures over the whole signed part, revocation, order, time, the
 * pack it covers. Nothing of the lock is believed before its signatures hold. Throws TrustError.
 */
export function verifyLock({ lock: bytes, pack, trust, nowMs, mark, historic = false }: LockInput): ProvenLock {
  if (!historic) assertClock(nowMs, mark);
  const file = parseLock(bytes);
  const lock = signedPart(file);
  const digest = lockDigest(lock);
  const signers = verifySigners(file, lock, digest, trust, nowMs);
  assertOrder(lock, digest, mark, trust);
  assertTime(lock, nowMs);
  assertChunks(lock.manifest);
  const provenPack = verifyPack(pack, lock.pack.digest);
  TrustError.throwIf(coverage(provenPack, lock.manifest));
  const nextMark: Mark = {
    format: 'smartlite-mark/1',
    generation: lock.generation,
    sequence: lock.sequence,
    digest,
    issuedUnixMs: Math.max(Date.parse(lock.issued), mark?.issuedUnixMs ?? 0),
  };
  return { lock: asVerified(lock), digest, pack: provenPack, signers, signatures: file.signatures, mark: nextMark };
}

/** Proves that keys trusted at that time signed the lock's signed part; nothing about order, time or pack. Throws TrustError. */
export function verifyLockSignatures(file: LockFile, trust: TrustDocument, nowMs: number): ReadonlyMap<string, GuardedKey> {
  const lock = signedPart(file);
  return verifySigners(file, lock, lockDigest(lock), trust, nowMs);
}

/** Findings about the artifacts' own signatures: what a stock OpenSSL can check without this lock. They admit nothing by themselves. */
export function artifactSignatureFindings(
  { lock, signatures, signers }: ProvenLock,
  digestOfArtifact: (id: string) => Uint8Array | undefined,
): readonly Finding[] {
  return lock.manifest.flatMap(({ id }) => {
    const message = digestOfArtifact(id);
    if (message === undefined) return [];
    try {
      // Own property: an artifact may be named "constructor".
      const made = Object.hasOwn(signatures.artifacts, id) ? (signatures.artifacts[id] ?? []) : [];
      const valid = made.filter(({ keyid }) => signers.has(keyid));
      if (valid.length === 0)
        throw new TrustError('SIGNATURE_MISSING', `artifact ${id} carries no signature of a key that signed the lock: sign it`);
      for (const { keyid, sig } of valid) verifyDigestSignature(message, sig, signers.get(keyid) as GuardedKey, `artifact ${id}`);
      return [];
    } catch (caught) {
      if (caught instanceof TrustError) return [finding(caught.code, caught.message, id)];
      throw caught;
    }
  });
}

function verifySigners(
  { signatures, fleet }: LockFile,
  lock: Lock,
  digest: Digest,
  trust: TrustDocument,
  nowMs: number,
): ReadonlyMap<string, GuardedKey> {
  if (fleet !== trust.fleet) throw new TrustError('FLEET_MISMATCH', `the lock is of fleet ${fleet}; this is ${trust.fleet}`);
  if (signatures.lock.length === 0) throw new TrustError('SIGNATURE_MISSING', 'the lock carries no signature: sign it');
  const message = pae(LOCK_PAYLOAD_TYPE, lockPayload(lock));
  const keys = certifiedKeys(signatures.certificates, trust, nowMs);
  const signers = new Map<string, GuardedKey>();
  const ended: TrustError[] = [];
  for (const { keyid, sig } of signatures.lock) {
    const key = keyFor(keyid, keys);
    // During an overlap the former key's certificate may end first: its signature no longer counts, and does no harm.
    if (key instanceof TrustError) {
      ended.push(key);
      continue;
    }
    verifySignature(message, sig, key, 'the lock');
    assertNotRevoked(key, lock, digest, trust);
    signers.set(key.keyId, key);
  }
  if (signers.size >= trust.thresholds.lock) return signers;
  throw (
    ended[0] ??
    new TrustError('THRESHOLD_NOT_MET', `${signers.size} distinct keys signed the lock; ${trust.thresholds.lock} are due`)
  );
}

interface CertifiedKeys {
  /** By key id; for a key whose certificate cannot be proven, why not. */
  readonly keys: ReadonlyMap<string, GuardedKey | TrustError>;
  /** The most telling reason why some certificate was refused. */
  readonly refusal: TrustError | undefined;
}

/** Leaves of the chains that the lock carries. A certificate that cannot be proven makes no key trusted. */
function certifiedKeys(certificates: readonly string[], trust: TrustDocument, nowMs: number): CertifiedKeys {
  const keys = new Map<string, GuardedKey | TrustError>();
  let refusal: TrustError | undefined;
  for (const [index, leaf] of certificates.entries()) {
    try {
      const { key } = verifyRoleCertificate(chainFrom(leaf, certificates, index), trust, ['model-signing'], nowMs);
      keys.set(key.keyId, key);
    } catch (caught) {
      if (!(caught instanceof TrustError)) throw caught;
      refusal = moreTelling(refusal, caught);
      const keyId = keyIdOf(leaf);
      if (keyId !== undefined && !keys.has(keyId)) keys.set(keyId, caught);
    }
  }
  return { keys, refusal };
}

/** The id of a certificate's key, whatever the certificate is worth; undefined where it cannot be read. */
function keyIdOf(certificate: string): string | undefined {
  try {
    return sha256Hex(readCertificate(certificate).spki);
  } catch (caught) {
    if (caught instanceof TrustError) return undefined;
    throw caught;
  }
}

/** Leaf and the certificate that stands behind it; certificates of one lock are leaves, each followed by its intermediate. */
function chainFrom(leaf: string, certificates: readonly string[], index: number): readonly string[] {
  const next = certificates[index + 1];
  return next === undefined ? [leaf] : [leaf, next];
}

/** An intermediate that stands in the list is no leaf and is refused for its role; every other reason says more. */
function moreTelling(known: TrustError | undefined, next: TrustError): TrustError {
  return known === undefined || known.code === 'KEY_WRONG_ROLE' ? next : known;
}

/** The key of a signature; the reason as a value where its certificate is merely over. Throws for every other reason. */
function keyFor(keyid: string, { keys, refusal }: CertifiedKeys): GuardedKey | TrustError {
  const key = keys.get(keyid);
  if (key instanceof TrustError) {
    if (key.code === 'KEY_EXPIRED') return key;
    throw key;
  }
  if (key) return key;
  const trusted = [...keys.values()].some((each) => !(each instanceof TrustError));
  throw trusted || refusal === undefined
    ? new TrustError('KEY_UNTRUSTED', `the lock is signed by key ${keyid.slice(0, 16)}, which no certificate in it makes trusted`)
    : refusal;
}

function assertNotRevoked({ keyId }: GuardedKey, lock: Lock, digest: Digest, { revocations }: TrustDocument): void {
  const revocation = revocations.find(({ keyid }) => keyid === keyId);
  if (!revocation) return;
  const { last_good: last } = revocation;
  if (last && last.sequence === lock.sequence && last.digest === digest) return;
  throw new TrustError(
    'KEY_REVOKED',
    `key ${keyId.slice(0, 16)} is revoked, and this is not the last lock of it that still counts: sign with a new key`,
  );
}

/** A clock below the highest time that anything proven carries, or below this release's own date, is wrong: it would revive what has ended. */
function assertClock(nowMs: number, mark: Mark | undefined): void {
  const released = Date.parse(RELEASE.date);
  const behind = (floorMs: number, what: string) => {
    if (nowMs + CLOCK_SKEW_MS >= floorMs) return;
    throw new TrustError('CLOCK_BEHIND', `the clock says ${new Date(nowMs).toISOString()}, before ${what}: set the clock`);
  };
  behind(released, `this release was made (${RELEASE.version}, ${RELEASE.date})`);
  if (mark) behind(mark.issuedUnixMs, 'a lock that was verified here');
}

function assertTime({ issued, expires }: Lock, nowMs: number): void {
  if (nowMs + CLOCK_SKEW_MS < Date.parse(issued))
    throw new TrustError('LOCK_NOT_YET_VALID', `the lock is issued at ${issued}, in the future: check the clock`);
  if (nowMs > Date.parse(expires)) throw new TrustError('LOCK_EXPIRED', `the lock expired at ${expires}: sign it anew`);
}
