import { MeshError } from '@smartlite/contracts';
import type { Layer } from './handle.ts';
import type { LayerParts } from './layers.ts';
import { AdaptiveLimit } from './limit.ts';

const RETRY_AFTER_MS = 250;

/** Refuses at once what would only wait: a full process answers `overloaded`, so that the caller asks another or comes again. */
export function admission({ metrics, clock, inflightMax }: Pick<LayerParts, 'metrics' | 'clock' | 'inflightMax'>): Layer {
  const gauge = metrics.gauge('rpc_inflight', 'Calls under way.');
  const limits = metrics.gauge('rpc_inflight_limit', 'Calls that are taken at once; it adapts to what the models can do.');
  const limit = new AdaptiveLimit(inflightMax);
  let inflight = 0;
  limits.set(limit.value);
  return (next) =>
    async function* admitted(incoming) {
      if (inflight >= limit.value) {
        const message = `this instance already serves ${inflight} calls`;
        throw new MeshError('overloaded', message, { retryAfterMs: RETRY_AFTER_MS });
      }
      inflight += 1;
      gauge.set(inflight);
      try {
        yield* next(incoming);
        limit.wentWell(inflight);
      } catch (caught) {
        if (MeshError.from(caught).code === 'overloaded') limit.overloaded(clock.monotonicMs());
        throw caught;
      } finally {
        inflight -= 1;
        gauge.set(inflight);
        limits.set(limit.value);
      }
    };
}
