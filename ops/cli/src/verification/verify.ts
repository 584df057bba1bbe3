import {
  type ArtifactOutcome,
  artifactSignatureFindings,
  decide,
  DEFAULT_POLICY,
  type Finding,
  type ProvenLock,
  readMark,
  replaceable,
  type TrustDocument,
  TrustError,
  verifyArtifacts,
  verifyLock,
  writeMark,
} from '@smartlite/trust';

export interface Subject {
  readonly lock: Uint8Array;
  readonly pack: Uint8Array;
  /** Folder that the manifest's paths are relative to. */
  readonly root: string;
  readonly trust: TrustDocument;
  readonly nowMs: number;
  /** File with the highest lock verified here; undefined: order is not judged. */
  readonly mark: string | undefined;
  /** Whether a full verification raises the mark: only of what this host itself serves. */
  readonly raisesMark: boolean;
}

export interface Verification {
  readonly ok: boolean;
  /** What the findings lead to. */
  readonly mode: 'normal' | 'safe' | 'halted';
  readonly lockSequence: number | null;
  readonly lockDigest: string | null;
  readonly findings: readonly Finding[];
  readonly artifacts: readonly Omit<ArtifactOutcome, 'sha256'>[];
  readonly bytes: number;
  /** The proven lock; undefined where it was refused. */
  readonly proven: ProvenLock | undefined;
}

export interface Watching {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { readonly bytesDone: number; readonly bytesTotal: number }) => void;
  /** Hash both ways: the flat digest is what a stock OpenSSL checks. */
  readonly both: boolean;
  /** Told why the highest lock could not be remembered. */
  readonly onUnwritten?: (why: string) => void;
}

/** Proves lock and pack, then every artifact and its own signature. Findings are an outcome; only what is no finding is thrown. */
export async function verifyAll(subject: Subject, watching: Watching): Promise<Verification> {
  let proven: ProvenLock;
  try {
    const { lock, pack, trust, nowMs } = subject;
    const mark = subject.mark === undefined ? undefined : await readMark(subject.mark);
    proven = verifyLock({ lock, pack, trust, nowMs, mark });
  } catch (caught) {
    if (caught instanceof TrustError) return refused(caught.findings);
    throw caught;
  }
  const report = await verifyArtifacts(subject.root, proven.lock.manifest, watching);
  const digests = new Map(report.artifacts.map(({ id, sha256 }) => [id, sha256]));
  const findings = [...report.findings, ...artifactSignatureFindings(proven, (id) => digests.get(id))];
  if (findings.length === 0 && subject.mark !== undefined && subject.raisesMark) await raiseMark(subject.mark, proven, watching);
  return {
    ...verdictOf(findings, proven, report.artifacts),
    lockSequence: proven.lock.sequence,
    lockDigest: proven.digest,
    findings,
    bytes: report.bytes,
    proven,
  };
}

/** A disk that does not take the mark changes no answer about the bytes; it is said. */
async function raiseMark(path: string, { mark }: ProvenLock, { onUnwritten }: Watching): Promise<void> {
  await writeMark(path, mark).catch((caught: NodeJS.ErrnoException) => {
    onUnwritten?.(
      `${path} cannot be written (${caught.code ?? caught.message}): this host does not remember the lock's sequence.`,
    );
  });
}

/** An artifact whose own signature does not hold is refused although its bytes are those of the lock. */
function verdictOf(findings: readonly Finding[], { lock, pack }: ProvenLock, outcomes: readonly ArtifactOutcome[]) {
  const found = new Set(findings.map(({ artifact }) => artifact));
  const artifacts = outcomes.map(({ id, path, state }) => ({
    id,
    path,
    state: state === 'verified' && found.has(id) ? ('refused' as const) : state,
  }));
  const verified = new Set(artifacts.filter(({ state }) => state === 'verified').map(({ id }) => id));
  const { mode } = decide(findings, lock.verification_policy, replaceable(pack, verified));
  return { ok: findings.length === 0, mode, artifacts };
}

/** The policy of a lock that is not proven is nobody's word: the strictest one judges. */
function refused(findings: readonly Finding[]): Verification {
  const { mode } = decide(findings, DEFAULT_POLICY);
  return { ok: false, mode, lockSequence: null, lockDigest: null, findings, artifacts: [], bytes: 0, proven: undefined };
}
