import { tmpdir } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import {
  artifactSignatureFindings,
  loadArtifact,
  loadArtifactToPrivateFile,
  type Pack,
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
  /** As the pack has it. */
  readonly model: Pack['models'][number];
  /** Looks at private copies once more: a runtime that takes a path has read them a second time. */
  verifyAgain(): Promise<void>;
}

type Named = Pick<EngineArtifact, 'id' | 'digest'>;

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
    model,
    async verifyAgain() {
      for (const check of checks) await check();
    },
  };
}

/**
 * The digest of another lock that covers what this process has loaded: proven as for a load, with the same model in its pack, and with
 * the digests of the very bytes that were hashed when they were loaded. Undefined where the model or its bytes are others. Throws TrustError.
 */
export function lockCovering(
  { model, artifacts }: Pick<VerifiedModel, 'model'> & { readonly artifacts: readonly Named[] },
  { lock, pack, trust }: Pick<Extract<ToEngine, { kind: 'load' }>, 'lock' | 'pack' | 'trust'>,
): string | undefined {
  const proven = verifyLock({ lock, pack, trust, nowMs: systemClock.nowMs() });
  const next = proven.pack.models.find(({ id }) => id === model.id);
  if (!isDeepStrictEqual(next, model)) return undefined;
  const named = new Map(proven.lock.manifest.map(({ id, sha256 }) => [id, `sha256:${sha256}`]));
  if (artifacts.some(({ id, digest }) => named.get(id) !== digest)) return undefined;
  requireSignatures(proven, artifacts);
  return proven.digest;
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

function requireSignatures(proven: ProvenLock, artifacts: readonly Named[]): void {
  if (!proven.lock.verification_policy.enforce_signatures) return;
  const digests = new Map(artifacts.map(({ id, digest }) => [id, Buffer.from(digest.slice('sha256:'.length), 'hex')]));
  TrustError.throwIf(artifactSignatureFindings(proven, (id) => digests.get(id)));
}
