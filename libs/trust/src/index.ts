export * from './status/index.ts';
export { entryOf, type ArtifactBytes, type ArtifactFile, loadArtifact, loadArtifactToPrivateFile } from './artifact/load.ts';
export { hashArtifact } from './artifact/hash.ts';
export { pathProblem } from './artifact/path.ts';
export { chunksOf, verifyChunk } from './artifact/spot.ts';
export type { ArtifactOutcome } from './artifact/judge.ts';
export { type ArtifactReport, inspectArtifacts, verifyArtifacts } from './artifact/verify.ts';
export { canonicalBytes } from './canonical.ts';
export type { Authority } from './certificates/issue.ts';
export { type Role, ROLES } from './certificates/roles.ts';
export {
  type ChainTrust,
  readCertificate,
  readPrivateKey,
  type RoleCertificate,
  splitPem,
  verifyRoleCertificate,
} from './certificates/verify.ts';
export { type Digest, digestOf, sha256, sha256Hex } from './digest.ts';
export {
  createIdentity,
  createLocalDomain,
  createSigningKey,
  IDENTITY_LIFE_MS,
  issueSigningCertificate,
  type KeyAndChain,
  type LocalDomain,
  newSigningKeyPem,
  pemSigner,
  SIGNING_KEY_LIFE_MS,
} from './domain.ts';
export { finding, FINDING_CODES, type Finding, type FindingCode, type FindingGroup, shown, TrustError } from './finding.ts';
export { keyStage, type KeyStage, newestSigningKey, type SigningKey } from './keyage.ts';
export { parseStrictJson } from './json.ts';
export {
  convertLatencyProfile,
  type LatencyProfile,
  latencyProfileJsonSchema,
  parseLatencyProfile,
  profileContradictions,
} from './latencyprofile.ts';
export { type LexiconTerm, lexiconTerms } from './lexicon/lexicon.ts';
export type { Consonant, Phoneme, Vowel } from './lexicon/sounds.ts';
export {
  type Lock,
  lockDigest,
  type LockFile,
  LOCK_BYTES_MAX,
  lockJsonSchema,
  type ManifestEntry,
  parseLock,
  type Policy,
  signedPart,
} from './lock.ts';
export { assertOrder, type Mark, readMark, writeAtomically, writeMark } from './mark.ts';
export { mlBom } from './mlbom.ts';
export { nextPackPath, packFor } from './nextpack.ts';
export { type Artifact, type Model, type Pack, PACK_BYTES_MAX, packJsonSchema, parsePack } from './pack.ts';
export { decodeSignature, derOf, encodeSignature, normaliseLowS, parseDerSignature, type Signer } from './signature.ts';
export { addSignatures, DEFAULT_POLICY, LOCK_LIFE_MS, type SignedLock, type SignInput, signLock } from './signlock.ts';
export { type GuardedKey, guardKey, kindOf } from './spki.ts';
export { readBounded } from './readfile.ts';
export { RELEASE } from './release.ts';
export { replaceable } from './replaceable.ts';
export { parseTrust, TRUST_BYTES_MAX, type TrustDocument, trustOfRoots } from './trustdocument.ts';
export { decide, type Replaceable, type Verdict } from './verdict.ts';
export type { Verified } from './verified.ts';
export { artifactSignatureFindings, type LockInput, type ProvenLock, verifyLock, verifyLockSignatures } from './verifylock.ts';
