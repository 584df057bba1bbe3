import type { Effect, LockStatus, SigningKey } from '@smartlite/trust';

/** One finding of a full verification, with what the policy makes of it. */
export interface ReportedFinding {
  readonly code: string;
  /** Artifact id; empty where it concerns the lock as a whole. */
  readonly artifact: string;
  /** Digest that the lock demands, if there is one. */
  readonly digest: string | null;
  readonly message: string;
  readonly effect: Effect;
}

/** What one full verification of this verifier's store found. */
export interface Report {
  /** Null where no lock could be trusted. */
  readonly lockDigest: string | null;
  readonly lockSequence: number | null;
  /** Wall clock at which the lock ends; null where there is none. */
  readonly expiresUnixMs: number | null;
  /** The policy `safe_mode_on_mismatch`. */
  readonly mismatch: 'safe' | 'tolerated';
  readonly findings: readonly ReportedFinding[];
  readonly artifacts: LockStatus['artifacts'];
  readonly substitutions: Readonly<Record<string, string>>;
  readonly refusedArtifacts: readonly string[];
  readonly tookMs: number;
  /** The key that vouches longest for the lock; absent where no lock could be trusted. */
  readonly signingKey?: SigningKey | undefined;
}

/** Whether nothing that it found forbids serving. */
export function passes(report: Report): boolean {
  return report.lockDigest !== null && report.findings.every(({ effect }) => effect === 'tolerated');
}
