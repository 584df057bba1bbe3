/**
 * Every way in which lock, pack, keys or artifacts can fail to be what was signed. Closed: an attack has a code of its own, which
 * appears in the command line's JSON, in events and in the audit trail. The group decides what the fleet does (`verdict.ts`).
 */
export const FINDING_CODES = {
  // Lock and pack: their form.
  LOCK_UNREADABLE: 'signature',
  LOCK_TOO_LARGE: 'signature',
  LOCK_MALFORMED: 'signature',
  LOCK_DUPLICATE_KEY: 'signature',
  LOCK_UNKNOWN_KEY: 'signature',
  LOCK_VALUE_OUT_OF_RANGE: 'signature',
  LOCK_PATH_UNSAFE: 'signature',
  LOCK_PATH_REPEATED: 'signature',
  PACK_UNREADABLE: 'mismatch',
  PACK_MALFORMED: 'mismatch',
  PACK_MISMATCH: 'mismatch',
  PACK_NOT_COVERED: 'mismatch',
  // Lock: signatures and keys.
  SIGNATURE_MISSING: 'signature',
  SIGNATURE_MALFORMED: 'signature',
  SIGNATURE_INVALID: 'signature',
  SIGNATURE_HIGH_S: 'signature',
  KEY_UNTRUSTED: 'signature',
  KEY_MALFORMED: 'signature',
  KEY_WRONG_ALGORITHM: 'signature',
  KEY_WRONG_ROLE: 'signature',
  KEY_REVOKED: 'signature',
  KEY_FILE_EXPOSED: 'signature',
  THRESHOLD_NOT_MET: 'signature',
  FLEET_MISMATCH: 'signature',
  GENERATION_MISMATCH: 'signature',
  // Lock: order and time.
  SEQUENCE_ROLLED_BACK: 'signature',
  SEQUENCE_JUMPED: 'signature',
  PREVIOUS_MISMATCH: 'signature',
  KEY_EXPIRED: 'expired',
  KEY_NOT_YET_VALID: 'expired',
  LOCK_EXPIRED: 'expired',
  LOCK_NOT_YET_VALID: 'expired',
  CLOCK_BEHIND: 'expired',
  // Artifacts: bytes.
  DIGEST_MISMATCH: 'mismatch',
  SIZE_MISMATCH: 'mismatch',
  GREW_WHILE_READ: 'mismatch',
  CHANGED_WHILE_READ: 'mismatch',
  FORMAT_REFUSED: 'mismatch',
  TAGGED_AS_SIGNED: 'mismatch',
  TREE_MISMATCH: 'mismatch',
  // Artifacts: files.
  ARTIFACT_MISSING: 'missing',
  FILE_UNLISTED: 'mismatch',
  FILE_SYMLINK: 'mismatch',
  FILE_HARD_LINK: 'mismatch',
  FILE_NOT_REGULAR: 'mismatch',
  FILE_UNREADABLE: 'mismatch',
  FILE_FOREIGN_OWNER: 'mismatch',
  FILE_SETUID: 'mismatch',
  // Bus.
  EQUIVOCATION: 'mismatch',
} as const;

export type FindingCode = keyof typeof FINDING_CODES;
export type FindingGroup = (typeof FINDING_CODES)[FindingCode];

/** A chunk of an artifact: its place in the tree, and its bytes, the last one not included. */
export interface ChunkRange {
  readonly index: number;
  readonly fromByte: number;
  readonly toByte: number;
}

export interface Finding {
  readonly code: FindingCode;
  /** Artifact id; null for a finding about lock or pack as a whole. */
  readonly artifact: string | null;
  /** What is wrong, where (path or JSON pointer), what to do. */
  readonly message: string;
  /** Of bytes that differ: which chunks, where the lock tells. */
  readonly chunks?: readonly ChunkRange[];
}

/** Longer messages quote what an attacker wrote. */
const MESSAGE_MAX = 1_000;
/** What would steer a terminal or turn the direction of text: control characters, separators, marks of direction. */
const STEERING = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Text that may quote an attacker's, safe to show: bounded, nothing in it steers a terminal. */
export function shown(text: string, charactersMax = MESSAGE_MAX): string {
  const cut = text.length > charactersMax ? `${text.slice(0, charactersMax)}...` : text;
  return cut.replace(STEERING, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export function finding(code: FindingCode, message: string, artifact: string | null = null): Finding {
  return { code, artifact, message: shown(message) };
}

/** Something could not be proven. The first finding is the reason; there may be more. */
export class TrustError extends Error {
  override readonly name = 'TrustError';
  readonly code: FindingCode;
  readonly findings: readonly Finding[];

  constructor(code: FindingCode, message: string, cause?: unknown, findings: readonly Finding[] = [finding(code, message)]) {
    super(shown(message), cause === undefined ? undefined : { cause });
    this.code = code;
    this.findings = findings;
  }

  /** Throws when there is any finding. */
  static throwIf(findings: readonly Finding[]): void {
    const [first] = findings;
    if (first) throw new TrustError(first.code, first.message, undefined, findings);
  }
}
