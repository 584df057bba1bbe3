import { tmpdir } from 'node:os';
import {
  artifactSignatureFindings,
  loadArtifact,
  loadArtifactToPrivateFile,
  type ProvenLock,
  TrustError,
  type Verified,
  verifyLock,
} from '@smartlite/trust';
import { systemClock } from '../system.ts';
import type { EngineArtifact } from './host.ts';
import type { ToEngine } from './messages.ts';

/** What an engine may load, proven in this very process. */
export interface VerifiedModel {
  readonly engine: string;
  readonly lockDigest: string;
  readonly artifacts: readonly Verified<EngineArtifact>[];
  readonly settings: Readonly<Record<string, unknown>>;
  /** Looks at private copies once more: a runtime that takes a path has read them a second time. */
  verifyAgain(): Promise<void>;
}

/** Proves lock and pack, then each artifact of the model: opened once, hashed as read. Throws TrustError with the finding. */
export async function loadVerified(
  order: Extract<ToEngine, { kind: 'load' }>,
  artifactsAs: 'bytes' | 'file',
): Promise<VerifiedModel> {
  const proven = verifyLock({ lock: order.lock, pack: order.pack, trust: order.trust, nowMs: systemClock.nowMs() });
  const model = proven.pack.models.find(({ id }) => id === order.modelId);
  if (!model) throw new TrustError('PACK_NOT_COVERED', `the pack has no model ${order.modelId}`);
  const checks: (() => Promise<void>)[] = [];
  const artifacts: Verified<EngineArtifact>[] = [];
  for (const id of model.artifacts) {
    const { artifact, verifyAgain } = await loadOne(order.modelsRoot, proven, id, artifactsAs);
    artifacts.push(artifact);
    checks.push(verifyAgain);
  }
  requireSignatures(proven, artifacts);
  return {
    engine: model.engine,
    lockDigest: proven.digest,
    artifacts,
    settings: model.settings,
    async verifyAgain() {
      for (const check of checks) await check();
    },
  };
}

async function loadOne(root: string, { lock }: ProvenLock, id: string, as: 'bytes' | 'file') {
  if (as === 'bytes') {
    const loaded = await loadArtifact(root, lock, id);
    return { artifact: { ...loaded, kind: 'bytes' } as Verified<EngineArtifact>, verifyAgain: async () => {} };
  }
  // The descriptor stays open as long as the process lives: the runtime may map the file.
  const copy = await loadArtifactToPrivateFile(root, lock, id, tmpdir());
  return {
    artifact: { kind: 'file', id, digest: copy.digest, path: copy.path } as Verified<EngineArtifact>,
    verifyAgain: () => copy.verifyAgain(),
  };
}

function requireSignatures(proven: ProvenLock, artifacts: readonly EngineArtifact[]): void {
  if (!proven.lock.verification_policy.enforce_signatures) return;
  const digests = new Map(artifacts.map(({ id, digest }) => [id, Buffer.from(digest.slice('sha256:'.length), 'hex')]));
  TrustError.throwIf(artifactSignatureFindings(proven, (id) => digests.get(id)));
}
