import { join } from 'node:path';
import {
  type ArtifactReport,
  artifactSignatureFindings,
  decide,
  DEFAULT_POLICY,
  type Finding,
  inspectArtifacts,
  LOCK_BYTES_MAX,
  type LockStatus,
  type ManifestEntry,
  type Mark,
  newestSigningKey,
  PACK_BYTES_MAX,
  packFor,
  type Policy,
  type ProvenLock,
  readBounded,
  readMark,
  type Replaceable,
  replaceable,
  TEXT_MAX,
  type TrustDocument,
  TrustError,
  verifyArtifacts,
  verifyLock,
  writeMark,
} from '@smartlite/trust';
import type { Log } from '@smartlite/chassis';
import type { ModelStore } from '../engine.ts';
import type { Report, ReportedFinding } from '../report.ts';
import { type Beat, patrol } from './patrol.ts';
import { Suspicion, type Suspects } from './suspicion.ts';
import { watchStore } from './watch.ts';

export interface ModelPlaces {
  readonly lock: string;
  readonly pack: string;
  /** Folder that the manifest's paths are relative to. */
  readonly models: string;
  /** The highest lock that this host has verified. */
  readonly mark: string;
}

/** This host's lock, pack and models. `nowMs` is the wall clock; `log` is told what is wrong here and no finding. */
export function modelStore(
  places: ModelPlaces,
  trust: TrustDocument,
  { nowMs, log }: { readonly nowMs: () => number; readonly log: Pick<Log, 'error'> },
): ModelStore {
  let known: Known | undefined;
  return {
    async verify(signal) {
      const startedAt = performance.now();
      const outcome = await verifyAll(places, trust, nowMs(), signal).catch((caught: unknown) => {
        // Whatever goes wrong, the store is not proven; whoever waited for a report for ever would never look at it again.
        signal.throwIfAborted();
        log.error('a full verification could not be carried out', { because: String(caught) });
        const finding = unverified('FILE_UNREADABLE', `the models cannot be verified: ${textOf(caught)}`);
        return { report: refusedReport([finding]), known: undefined };
      });
      known = outcome.known;
      if (outcome.report.findings.length === 0 && known !== undefined) await keepMark(places.mark, known.proven.mark, log);
      return { ...outcome.report, tookMs: performance.now() - startedAt };
    },
    async watch(on, signal) {
      const stillProven = async () => (await proveLock(places, trust, nowMs())).kind === 'proven';
      const suspicion = new Suspicion(async (suspected) => (known ? inspect(places.models, known, suspected) : []), on);
      const onChange = (suspects: Suspects) => suspicion.raise(suspects);
      const listed = () => known?.proven.lock.manifest.map(({ path }) => path) ?? [];
      await Promise.all([
        watchStore({ ...places, listed }, onChange, signal),
        patrol({ root: places.models, beat: () => known, stillProven, onChange }, signal),
      ]);
    },
  };
}

/** What the last full verification has proven. What it has refused is looked at by the schedule of standing failures alone. */
interface Known extends Beat {
  readonly proven: ProvenLock;
}

interface Outcome {
  readonly report: Report;
  /** undefined where the lock was refused. */
  readonly known: Known | undefined;
}

async function verifyAll(places: ModelPlaces, trust: TrustDocument, nowMs: number, signal: AbortSignal): Promise<Outcome> {
  const proof = await proveLock(places, trust, nowMs);
  if (proof.kind === 'refused') return { report: refusedReport(proof.findings), known: undefined };
  const proven = proof.lock;
  const { manifest } = proven.lock;
  const report = artifactReport(proven, await verifyArtifacts(places.models, manifest, { signal }));
  const refused = new Set(report.refusedArtifacts);
  return { report, known: { proven, manifest: manifest.filter(({ id }) => !refused.has(id)) } };
}

/** A look at the suspected artifacts among those that were found as signed. */
async function inspect(
  root: string,
  { proven, manifest }: Known,
  suspected: readonly string[],
): Promise<readonly ReportedFinding[]> {
  const policy = proven.lock.verification_policy;
  const good = new Map(manifest.map((entry) => [entry.id, entry]));
  const all = await inspectArtifacts(root, proven.lock.manifest, suspected);
  const findings = all.filter(({ artifact }) => artifact === null || good.has(artifact));
  const bad = new Set(findings.map(({ artifact }) => artifact));
  const choices = replaceable(proven.pack, new Set([...good.keys()].filter((id) => !bad.has(id))));
  return findings.map((each) => reported(each, policy, choices, digestIn(good.get(each.artifact ?? ''))));
}

/**
 * The mark rises only by a lock under which every byte was found as signed: one that never served shall not lock others out. A disk that
 * does not take it is said and changes no verdict: the lock is proven, and the fleet's log remembers its sequence, too.
 */
async function keepMark(path: string, mark: Mark, log: Pick<Log, 'error'>): Promise<void> {
  try {
    const kept = await readMark(path);
    if (kept?.digest !== mark.digest || kept.issuedUnixMs !== mark.issuedUnixMs) await writeMark(path, mark);
  } catch (caught) {
    log.error('the mark of the highest lock cannot be written: free the disk, or mend its folder', {
      path,
      because: String(caught),
    });
  }
}

type Proof =
  | { readonly kind: 'proven'; readonly lock: ProvenLock }
  | { readonly kind: 'refused'; readonly findings: readonly ReportedFinding[] };

async function proveLock({ lock, pack, mark }: ModelPlaces, trust: TrustDocument, nowMs: number): Promise<Proof> {
  try {
    const [lockBytes, known] = await Promise.all([readBounded(lock, LOCK_BYTES_MAX), readMark(mark)]);
    const packBytes = await packFor(lockBytes, pack, (file) => readBounded(file, PACK_BYTES_MAX));
    return { kind: 'proven', lock: verifyLock({ lock: lockBytes, pack: packBytes, trust, nowMs, mark: known }) };
  } catch (caught) {
    if (caught instanceof TrustError)
      return { kind: 'refused', findings: caught.findings.map((each) => reported(each, DEFAULT_POLICY, [], null)) };
    // A file that cannot be read proves no forgery: it never halts, for that would take an operator for a slip of the disk.
    return { kind: 'refused', findings: [unverified('LOCK_UNREADABLE', `lock or pack cannot be read: ${textOf(caught)}`)] };
  }
}

/** A finding about the store as a whole, which never halts. */
function unverified(code: 'LOCK_UNREADABLE' | 'FILE_UNREADABLE', message: string): ReportedFinding {
  return { code, artifact: '', digest: null, message: message.slice(0, TEXT_MAX), effect: 'safe' };
}

function textOf(caught: unknown): string {
  return caught instanceof Error ? caught.message : String(caught);
}

function digestIn(entry: ManifestEntry | undefined): string | null {
  return entry === undefined ? null : `sha256:${entry.sha256}`;
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
  const entries = new Map(lock.manifest.map((entry) => [entry.id, entry]));
  return {
    lockDigest: digest,
    lockSequence: lock.sequence,
    expiresUnixMs: Date.parse(lock.expires),
    mismatch: policy.safe_mode_on_mismatch ? 'safe' : 'tolerated',
    findings: all.map((each) => reported(each, policy, choices, digestIn(entries.get(each.artifact ?? '')))),
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
    message: each.message.slice(0, TEXT_MAX),
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
