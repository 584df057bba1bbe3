import { z } from 'zod';
import { canonicalBytes } from './canonical.ts';
import { type Digest, digestOf } from './digest.ts';
import { finding, type FindingCode, TrustError } from './finding.ts';
import { parseStrictJson, placeIn } from './json.ts';
import { ARTIFACT_FORMATS, ARTIFACT_ROLES } from './pack.ts';
import { pathProblem } from './artifact/path.ts';

/** Some ten thousand artifacts with their signatures. Larger is an attack, or a pack to be split. */
export const LOCK_BYTES_MAX = 16 * 1024 * 1024;
/** A file of one TiB; what the lock's own size allows is less. */
const CHUNKS_MAX = 262_144;
/** What the lock's signature is over, in DSSE's terms. */
export const LOCK_PAYLOAD_TYPE = 'application/vnd.smartlite.model-lock+json';

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'give sha256: and 64 lower-case hex digits') as unknown as z.ZodType<
  Digest,
  Digest
>;
const hex64 = z.string().regex(/^[0-9a-f]{64}$/, 'give 64 lower-case hex digits');
const time = z.iso.datetime();
const count = z.number().int().nonnegative();
const id = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/);

const signature = z.strictObject({ keyid: hex64, sig: z.string().max(200) });

const entry = z.strictObject({
  id,
  path: z.string().max(512),
  role: z.enum(ARTIFACT_ROLES),
  format: z.enum(ARTIFACT_FORMATS),
  size: count,
  sha256: hex64.describe('Flat SHA-256 of the bytes.'),
  tree: hex64.describe('Root of the RFC 6962 tree over 4 MiB chunks.'),
  chunks: z
    .array(hex64)
    .min(2)
    .max(CHUNKS_MAX)
    .optional()
    .describe(
      'Leaf hashes of the tree, a chunk each, where there are several: they tell which bytes differ. Older locks have none.',
    ),
});

const policy = z.strictObject({
  enforce_signatures: z.boolean().describe('Require a valid ECDSA signature on each artifact.'),
  require_all_verified: z.boolean().describe('Every artifact of the lock must be verified, not only those that serve.'),
  safe_mode_on_mismatch: z.boolean().describe('A mismatch moves the fleet into safe mode.'),
  allow_shadow_fallback: z.boolean().describe('A verified shadow may take the place of a missing primary.'),
  instance_alarm: z.literal('safe').describe("An instance's alarm about its own bytes moves the fleet into safe mode at once."),
});

const control = z.strictObject({ id: z.string().max(64), title: z.string().max(200), evidence: z.string().max(500) });
const standard = z.strictObject({ standard: z.string().max(100), controls: z.array(control).max(200) });

const schema = z.strictObject({
  $schema: z.string().optional(),
  format: z.literal('smartlite-lock/1'),
  fleet: z.string().min(1).max(100),
  generation: count.min(1),
  sequence: count.min(1),
  previous: digest.nullable().describe('Digest of the lock before this one; null for the first.'),
  issued: time,
  expires: time,
  pack: z.strictObject({ name: id, version: z.string().max(100), digest }),
  manifest: z.array(entry).min(1).max(10_000),
  verification_policy: policy,
  compliance: z.array(standard).max(20),
  sbom: z.strictObject({ digest }),
  scan: z
    .strictObject({ digest })
    .optional()
    .describe('Report of a scan for known vulnerabilities that the signer has seen. Absent: unknown.'),
  signatures: z.strictObject({
    lock: z.array(signature).max(16),
    artifacts: z.record(id, z.array(signature).max(16)),
    certificates: z.array(z.string().max(8_192)).max(32),
  }),
  runtime_state: z.record(z.string(), z.json()).describe('For people to read; outside the signature, and no decision reads it.'),
});

export type LockFile = z.infer<typeof schema>;
export type ManifestEntry = LockFile['manifest'][number];
export type Policy = LockFile['verification_policy'];
export type LockSignature = z.infer<typeof signature>;
/** What is signed: all but the signatures, the runtime state and the schema's name. */
export type Lock = Omit<LockFile, 'signatures' | 'runtime_state' | '$schema'>;

/** The published JSON Schema of MODEL_LOCK.json. */
export function lockJsonSchema(): object {
  return { title: 'SmartLite model lock', ...z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) };
}

/** Shape and bounds only; nothing is trusted by it. Throws TrustError naming every fault with its JSON pointer. */
export function parseLock(bytes: Uint8Array, file = 'MODEL_LOCK.json'): LockFile {
  const parsed = schema.safeParse(parseStrictJson(bytes, { file, bytesMax: LOCK_BYTES_MAX }));
  if (!parsed.success) {
    TrustError.throwIf(
      parsed.error.issues.map((issue) => finding(codeOf(issue), `${placeIn(file, issue.path)}: ${issue.message}`)),
    );
    throw new TrustError('LOCK_MALFORMED', `${file} is not a lock`);
  }
  TrustError.throwIf([...manifestFaults(parsed.data.manifest, file), ...strayFaults(parsed.data, file)]);
  return parsed.data;
}

/** The signed part. */
export function signedPart({ signatures: _signatures, runtime_state: _state, $schema: _schema, ...lock }: LockFile): Lock {
  return lock;
}

/** RFC 8785 bytes of the signed part: what is signed and what the lock's digest is of, however the file is laid out. */
export function lockPayload(lock: Lock): Uint8Array {
  return canonicalBytes(lock);
}

/** Digest of the signed part. */
export function lockDigest(lock: Lock): Digest {
  return digestOf(lockPayload(lock));
}

function codeOf(issue: z.core.$ZodIssue): FindingCode {
  if (issue.code === 'unrecognized_keys') return 'LOCK_UNKNOWN_KEY';
  return issue.path[0] === 'signatures' ? 'SIGNATURE_MALFORMED' : 'LOCK_MALFORMED';
}

/** One is enough to refuse the lock; a hundred thousand would only fill a terminal. */
const STRAY_NAMED_MAX = 100;

/** Signatures of artifacts that the manifest does not name. */
function strayFaults({ manifest, signatures }: LockFile, file: string) {
  const ids = new Set(manifest.map(({ id: key }) => key));
  return Object.keys(signatures.artifacts)
    .filter((key) => !ids.has(key))
    .slice(0, STRAY_NAMED_MAX)
    .map((key) =>
      finding('LOCK_UNKNOWN_KEY', `${placeIn(file, ['signatures', 'artifacts', key])}: the manifest names no such artifact`),
    );
}

function manifestFaults(manifest: readonly ManifestEntry[], file: string) {
  const ids = new Set<string>();
  const paths = new Set<string>();
  return manifest.flatMap(({ id: key, path }, index) => {
    const problem = pathProblem(path);
    if (problem) return [finding('LOCK_PATH_UNSAFE', `${file} at /manifest/${index}/path: ${problem}`, key)];
    // Two spellings of one name are one file on some file systems.
    const folded = path.normalize('NFC').toLowerCase();
    const repeated = ids.has(key) || paths.has(folded);
    ids.add(key);
    paths.add(folded);
    return repeated ? [finding('LOCK_PATH_REPEATED', `${file} at /manifest/${index}: its id or path is there twice`, key)] : [];
  });
}
