import { TrustError } from '@smartlite/trust';
import type { EngineModule, LoadedEngine } from './host.ts';
import type { EngineFinding, FromEngine, ToEngine } from './messages.ts';
import { loadVerified, lockCovering } from './verifiedload.ts';

type Locked = Pick<Extract<ToEngine, { kind: 'load' }>, 'lock' | 'pack'>;

export type LoadOutcome =
  | {
      readonly kind: 'loaded';
      readonly engine: LoadedEngine<unknown, unknown>;
      readonly report: FromEngine;
      /** Whether another lock covers what is loaded. */
      readonly relock: (another: Locked) => FromEngine;
    }
  | { readonly kind: 'refused'; readonly report: FromEngine };

/**
 * In the child: proves the lock, then reads each artifact of the model once, hashing the very bytes that the engine gets. Nothing of
 * this is taken from the service's word: lock and pack come as bytes and are verified here.
 */
export async function loadEngine(order: Extract<ToEngine, { kind: 'load' }>): Promise<LoadOutcome> {
  try {
    const { engine: module } = (await import(order.moduleUrl)) as { readonly engine: EngineModule<unknown, unknown> };
    const proven = await loadVerified(order, module.artifactsAs);
    const engine = await module.load(proven.artifacts, { ...proven.settings, ...order.settings });
    await proven.verifyAgain();
    const artifactDigests = proven.artifacts.map(({ digest }) => digest);
    // Names and digests alone: the bytes are the engine's, and nobody may keep them from being freed.
    const held = { model: proven.model, artifacts: proven.artifacts.map(({ id, digest }) => ({ id, digest })) };
    const { trust } = order;
    return {
      kind: 'loaded',
      engine,
      report: { kind: 'loaded', engine: proven.engine, artifactDigests, lockDigest: proven.lockDigest },
      relock: ({ lock, pack }) => ({ kind: 'relocked', lockDigest: covering({ lock, pack, trust }, held) }),
    };
  } catch (caught) {
    console.error(caught);
    const message = caught instanceof Error ? caught.message : 'the engine could not be loaded';
    return {
      kind: 'refused',
      report: { kind: 'refused', message, finding: caught instanceof TrustError ? findingOf(caught) : null },
    };
  }
}

/** A lock that cannot be proven covers nothing. */
function covering(another: Parameters<typeof lockCovering>[1], held: Parameters<typeof lockCovering>[0]): string | null {
  try {
    return lockCovering(held, another) ?? null;
  } catch (caught) {
    console.error(caught);
    return null;
  }
}

function findingOf({ code, findings }: TrustError): EngineFinding {
  return { code, artifact: findings[0]?.artifact ?? '' };
}
