import type { ServedBy } from '@smartlite/contracts';
import type { Call } from '../service.ts';
import type { EngineProcess } from './host.ts';

/** Which model of a tier was asked, and why. */
interface Leg {
  readonly role: string;
  readonly because: string;
}

/** Who answered a call, on which verified bytes, under which lock status. */
export function servedBy(
  engine: Pick<EngineProcess<never, unknown>, 'modelId' | 'engine' | 'artifactDigests' | 'lockDigest'>,
  { role, because }: Leg,
  tier: string,
  { instance, region }: { readonly instance: string; readonly region: string },
  { statusOrder }: Pick<Call, 'statusOrder'>,
): ServedBy {
  const { modelId: model, engine: name, artifactDigests, lockDigest } = engine;
  return {
    model,
    tier,
    role,
    engine: name,
    because,
    instance,
    region,
    artifactDigests: [...artifactDigests],
    lockDigest,
    statusOrder,
  };
}
