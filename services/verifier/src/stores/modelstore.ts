import { join } from 'node:path';
import {
  type ArtifactReport,
  artifactSignatureFindings,
  decide,
  DEFAULT_POLICY,
  type Finding,
  LOCK_BYTES_MAX,
  type LockStatus,
  newestSigningKey,
  PACK_BYTES_MAX,
  type Policy,
  type ProvenLock,
  readBounded,
  readMark,
  type Replaceable,
  replaceable,
  type TrustDocument,
  TrustError,
  verifyArtifacts,
  verifyLock,
  writeMark,
} from '@smartlite/trust';
import type { ModelStore } from '../engine.ts';
import type { Report, ReportedFinding } from '../report.ts';
import { type Beat, patrol } from './patrol.ts';
import { watchStore } from './watch.ts';

export interface ModelPlaces {
  readonly lock: string;
  readonly pack: string;
  /** Folder that the manifest's paths are relative to. */
  readonly models: string;
  /** The highest lock that this host has verified. */
  readonly mark: string;
}

/** This host's lock, pack and models. */
export function modelStore(places: ModelPlaces, trust: TrustDocument, nowMs: () => number): ModelStore {
  let beat: Beat | undefined;
  return {
    async verify(signal) {
      const startedAt = performance.now();
      const { report, patrolled } = await verifyAll(places, trust, nowMs(), signal);
      beat = patrolled;
      return { ...report, tookMs: performance.now() - startedAt };
    },
    async watch(onChange, signal) {
      const stillProven = async () => (await proveLock(places, trust, nowMs())).kind === 'proven';
      await Promise.all([
        watchStore(places, onChange, signal),
        patrol({ root: places.models, beat: () => beat, stillProven, onChange }, signal),
      ]);
    },
  };
}

interface Outcome {
  readonly report: Report;
  /** What is watched for changes from now on; undefined where the lock was refused. */
  readonly patrolled: Beat | undefined;
}

async function verifyAll(places: ModelPlaces, trust: TrustDocument, nowMs: number, signal: AbortSignal): Promise<Outcome> {
  const proven = await proveLock(places, trust, nowMs);
  if (proven.kind === 'refused') return { report: refusedReport(proven.findings), patrolled: undefined };
  const { lock } = proven;
  const { manifest } = lock.lock;
  const read = await verifyArtifacts(places.models, manifest, { signal });
  const report = artifactReport(lock, read);
  // The mark rises only by a lock under which every byte was found as signed: one that never served shall not lock others out.
  if (report.findings.length === 0) await writeMark(places.mark, lock.mark);
  // What is refused already is looked at by the schedule of standing failures.
  const refused = new Set(report.refusedArtifacts);
  return { report, patrolled: { manifest: manifest.filter(({ id }) => !refused.has(id)) } };
}

type Proof =
  | { readonly kind: 'proven'; readonly lock: ProvenLock }
  | { readonly kind: 'refused'; readonly findings: readonly ReportedFinding[] };

async function proveLock({ lock, pack, mark }: ModelPlaces, trust: TrustDocument, nowMs: number): Promise<Proof> {
  try {
    const [lockBytes, packBytes, known] = await Promise.all([
      readBounded(lock, LOCK_BYTES_MAX),
      readBounded(pack, PACK_BYTES_MAX),
      readMark(mark),
    ]);
    return { kind: 'proven', lock: verifyLock({ lock: lockBytes, pack: packBytes, trust, nowMs, mark: known }) };
  } catch (caught) {
    if (caught instanceof TrustError)
      return { kind: 'refused', findings: caught.findings.map((each) => reported(each, DEFAULT_POLICY, [], null)) };
    // A file that cannot be read proves no forgery: it never halts, for that would take an operator for a slip of the disk.
    const message = `lock or pack cannot be read: ${caught instanceof Error ? caught.message : String(caught)}`;
    return { kind: 'refused', findings: [{ code: 'LOCK_UNREADABLE', artifact: '', digest: null, message, effect: 'safe' }] };
  }
}

function artifactReport(proven: ProvenLock, { artifacts, findings }: ArtifactReport): Report {
  const { lock, digest, pack } = proven;
  const policy = lock.verification_policy;
  const digests = new Map(artifacts.map(({ id, sha256 }) => [id, sha256]));
  const signatures = policy.enforce_signatures ? artifactSignatureFindings(proven, (id) => digests.get(id)) : [];
  const all = [...findings, ...signatures];
  const states = statesOf(artifacts, all);
  const verified = new Set(states.filter(({ state }) => state === 'verified').map(({ id }) => id));
  const choices = replaceable(pack, verified);
  const wanted = new Map(lock.manifest.map(({ id, sha256 }) => [id, `sha256:${sha256}`]));
  return {
    lockDigest: digest,
    lockSequence: lock.sequence,
    expiresUnixMs: Date.parse(lock.expires),
    mismatch: policy.safe_mode_on_mismatch ? 'safe' : 'tolerated',
    findings: all.map((each) => reported(each, policy, choices, wanted.get(each.artifact ?? '') ?? null)),
    artifacts: states,
    substitutions: decide(all, policy, choices).substitutions,
    refusedArtifacts: states.filter(({ state }) => state !== 'verified').map(({ id }) => id),
    tookMs: 0,
    signingKey: newestSigningKey(proven),
  };
}

/** An artifact whose own signature does not hold is refused although its bytes are those of the lock. */
function statesOf(artifacts: ArtifactReport['artifacts'], findings: readonly Finding[]): LockStatus['artifacts'] {
  const found = new Set(findings.map(({ artifact }) => artifact));
  return artifacts.map(({ id, state }) => ({ id, state: state === 'verified' && found.has(id) ? 'refused' : state }));
}

function reported(each: Finding, policy: Policy, choices: readonly Replaceable[], digest: string | null): ReportedFinding {
  const { mode } = decide([each], policy, choices);
  return {
    code: each.code,
    artifact: each.artifact ?? '',
    digest,
    message: each.message.slice(0, 1_000),
    effect: mode === 'normal' ? 'tolerated' : mode,
  };
}

function refusedReport(findings: readonly ReportedFinding[]): Report {
  return {
    lockDigest: null,
    lockSequence: null,
    expiresUnixMs: null,
    mismatch: 'safe',
    findings,
    artifacts: [],
    substitutions: {},
    refusedArtifacts: [],
    tookMs: 0,
  };
}

/** Where the mark lies: shared with every process of this host that loads by the lock. */
export function markPath(home: string): string {
  return join(home, 'mark.json');
}
