import {
  lockDigest,
  type Lock,
  type LockFile,
  lockPayload,
  LOCK_PAYLOAD_TYPE,
  type LockSignature,
  type ManifestEntry,
  type Policy,
  signedPart,
} from './lock.ts';
import { type HashAllOptions, hashAll } from './artifact/gather.ts';
import { treeRoot } from './artifact/tree.ts';
import { canonicalBytes } from './canonical.ts';
import { readCertificate } from './certificates/verify.ts';
import { type Digest, digestOf, sha256, sha256Hex } from './digest.ts';
import { finding, TrustError } from './finding.ts';
import { mlBom } from './mlbom.ts';
import { type Pack, parsePack } from './pack.ts';
import { pae } from './pae.ts';
import { COMPLIANCE } from './compliance.ts';
import { encodeSignature, type Signer, verifyDigestSignature } from './signature.ts';
import { guardKey } from './spki.ts';

/** A lock's life; the signing key's is the same. */
export const LOCK_LIFE_MS = 90 * 86_400_000;

export const DEFAULT_POLICY: Policy = {
  enforce_signatures: true,
  require_all_verified: true,
  safe_mode_on_mismatch: true,
  allow_shadow_fallback: true,
  instance_alarm: 'safe',
};

export interface SignInput {
  readonly pack: Uint8Array;
  /** Folder that the manifest's paths are relative to. */
  readonly root: string;
  readonly fleet: string;
  readonly generation: number;
  readonly sequence: number;
  readonly previous: Digest | null;
  readonly nowMs: number;
  readonly lifeMs?: number;
  readonly policy?: Policy;
  /** Digest of the report of a vulnerability scan. */
  readonly scan?: Digest;
  /** Each with its certificate chain, PEM, leaf first. */
  readonly signers: readonly { readonly signer: Signer; readonly chain: readonly string[] }[];
  readonly onProgress?: HashAllOptions['onProgress'];
}

export interface SignedLock {
  readonly file: LockFile;
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  /** Every signature that was made, for the audit trail. */
  readonly signatures: readonly { readonly keyid: string; readonly of: string }[];
}

/** Hashes every artifact, refuses bytes that the pack does not pin, signs each artifact and the lock. Writes nothing. */
export async function signLock(input: SignInput): Promise<SignedLock> {
  const pack = parsePack(input.pack);
  const manifest = await buildManifest(pack, input);
  const lock: Lock = {
    format: 'smartlite-lock/1',
    fleet: input.fleet,
    generation: input.generation,
    sequence: input.sequence,
    previous: input.previous,
    issued: new Date(input.nowMs).toISOString(),
    expires: new Date(Math.min(input.nowMs + (input.lifeMs ?? LOCK_LIFE_MS), lastCertificateEnd(input))).toISOString(),
    pack: { name: pack.name, version: pack.version, digest: digestOf(input.pack) },
    manifest,
    verification_policy: input.policy ?? DEFAULT_POLICY,
    compliance: COMPLIANCE,
    sbom: { digest: digestOf(canonicalBytes(mlBom(pack))) },
    ...(input.scan && { scan: { digest: input.scan } }),
  };
  return seal(lock, input);
}

/** A lock does not outlive the keys that vouch for it: it ends with the last of their certificates. */
function lastCertificateEnd({ signers }: SignInput): number {
  return Math.max(...signers.flatMap(({ chain }) => chain.slice(0, 1)).map((leaf) => readCertificate(leaf).validTo.getTime()));
}

async function buildManifest(pack: Pack, { root, onProgress }: SignInput): Promise<ManifestEntry[]> {
  const hashed = await hashAll(root, pack.artifacts, { both: true, ...(onProgress && { onProgress }) });
  return pack.artifacts.map(({ id, path, role, format, size, sha256: pinned }, index) => {
    const found = hashed[index];
    if (found instanceof TrustError) throw found;
    if (found?.sha256 === undefined || found.leaves === undefined) throw new Error(`artifact ${id} was not hashed both ways`);
    if (found.sha256.toString('hex') !== pinned) throw notPinned(id, path);
    const tree = treeRoot(found.leaves).toString('hex');
    const chunks = found.leaves.length > 1 ? { chunks: found.leaves.map((leaf) => leaf.toString('hex')) } : {};
    return { id, path, role, format, size, sha256: pinned, tree, ...chunks };
  });
}

function notPinned(id: string, path: string): TrustError {
  const what = `artifact ${id} (${path}) is not what the pack pins: fetch it anew, or pin the new digest in the pack`;
  return new TrustError('DIGEST_MISMATCH', what, undefined, [finding('DIGEST_MISMATCH', what, id)]);
}

function seal(lock: Lock, { signers, nowMs }: SignInput): Promise<SignedLock> {
  const artifacts = Object.fromEntries(lock.manifest.map(({ id }) => [id, []]));
  const runtime = {
    mode: 'unknown',
    note: 'For people to read; no decision reads it.',
    signed_at: new Date(nowMs).toISOString(),
  };
  const signatures = { lock: [], artifacts, certificates: [] };
  const file: LockFile = { $schema: './schemas/model-lock.schema.json', ...lock, signatures, runtime_state: runtime };
  return addSignatures(file, signers);
}

/**
 * The same lock, with the signatures of these keys beside those that it carries: one holder signs after the other, over identical bytes. What the
 * lock says must have been proven by the caller; whether a key has signed before is its question, too.
 */
export async function addSignatures(file: LockFile, signers: SignInput['signers']): Promise<SignedLock> {
  const lock = signedPart(file);
  const lockMessage = sha256(pae(LOCK_PAYLOAD_TYPE, lockPayload(lock)));
  // By own properties: an artifact may be named "constructor".
  const artifacts = new Map(Object.entries(file.signatures.artifacts).map(([id, made]) => [id, [...made]]));
  const signatures = { lock: [...file.signatures.lock], certificates: [...file.signatures.certificates] };
  const made: { keyid: string; of: string }[] = [];
  for (const { signer, chain } of signers) {
    const sign = async (digest: Uint8Array, of: string): Promise<LockSignature> => {
      const signature = await signChecked(signer, digest, of);
      made.push({ keyid: signature.keyid, of });
      return signature;
    };
    signatures.lock.push(await sign(lockMessage, 'lock'));
    for (const { id, sha256: hash } of lock.manifest)
      artifacts.set(id, [...(artifacts.get(id) ?? []), await sign(Buffer.from(hash, 'hex'), id)]);
    signatures.certificates.push(...chain);
  }
  const signed: LockFile = { ...file, signatures: { ...signatures, artifacts: Object.fromEntries(artifacts) } };
  return { file: signed, bytes: Buffer.from(`${JSON.stringify(signed, null, 2)}\n`), digest: lockDigest(lock), signatures: made };
}

/** What an HSM or KMS gives back is checked before it goes into a lock. */
async function signChecked(signer: Signer, digest: Uint8Array, of: string): Promise<LockSignature> {
  const key = guardKey(signer.spki, 'secp256k1');
  const sig = encodeSignature(await signer.sign(digest));
  verifyDigestSignature(digest, sig, key, of);
  return { keyid: sha256Hex(signer.spki), sig };
}
