import type { ServiceName } from '@smartlite/contracts';
import type { NatsConnection } from 'nats';
import { announce } from './discovery/announce.ts';
import type { LockView } from './platform.ts';
import type { ModelFact, Wired } from './service.ts';
import { VERSION } from './version.ts';

/** Characters of a reason that travel. */
const BECAUSE_MAX = 1_000;

export interface Announced {
  readonly service: ServiceName;
  readonly instance: string;
  readonly region: string;
  readonly grpc: string;
  readonly metrics: string;
}

export interface LoadSources {
  readonly guard: LockView;
  readonly facts: Wired['facts'] | undefined;
  /** Calls under way in this process. */
  readonly inflight: () => number;
  readonly ready: () => boolean;
}

/** Shows this instance to the mesh, with its load as it is whenever somebody asks. */
export function announceInstance(
  nats: NatsConnection,
  { service, ...identity }: Announced,
  { guard, facts, inflight, ready }: LoadSources,
) {
  return announce(nats, service, { ...identity, pid: String(process.pid), version: VERSION }, () => {
    const { mode, epoch } = guard.current();
    const own = facts?.();
    const models = own?.models.filter(({ state }) => state === 'loaded').map(({ id }) => id) ?? [];
    return {
      mode,
      epochApplied: epoch,
      inflight: own?.inflight ?? inflight(),
      queued: own?.queued ?? 0,
      ready: ready(),
      models,
      breakers: breakersOf(own?.models ?? []),
      addresses: { ...own?.addresses },
    };
  });
}

/** What other instances are told: they doubt a model that is left here, where they know nothing better. */
function breakersOf(models: readonly ModelFact[]) {
  return models.flatMap(({ id: model, breaker, because = '' }) =>
    breaker === undefined || breaker === 'closed' ? [] : [{ model, state: breaker, because: because.slice(0, BECAUSE_MAX) }],
  );
}
