import type { Platform } from '../platform.ts';
import type { BreakerState } from '../service.ts';

/** A breaker as another instance of the same service tells of it. */
export interface BreakerHint {
  readonly instance: string;
  readonly model: string;
  readonly state: BreakerState;
  readonly because: string;
}

/**
 * What the other instances of a service say of their breakers, as discovery last heard it: at most a second old. Anybody on the bus
 * may say such a thing, so it moves an order at most and refuses nothing.
 */
export function breakerHints({
  service,
  instance,
  peers,
}: Pick<Platform, 'service' | 'instance' | 'peers'>): () => readonly BreakerHint[] {
  return () =>
    peers
      .instances(service)
      .filter((other) => other.instance !== instance)
      .flatMap((other) => hintsOf(other));
}

function hintsOf({ instance, models, breakers }: ReturnType<Platform['peers']['instances']>[number]): readonly BreakerHint[] {
  const left = breakers.map((breaker) => ({ instance, ...breaker }));
  const asked = models.filter((model) => !breakers.some((breaker) => breaker.model === model));
  return [...left, ...asked.map((model) => ({ instance, model, state: 'closed' as const, because: '' }))];
}
