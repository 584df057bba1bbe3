import { MeshError } from '@smartlite/contracts';
import type { Layer } from './handle.ts';
import type { LayerParts } from './layers.ts';

/** Calls under way at once: far above what the engines of one process can do, far below what its memory can hold. */
const INFLIGHT_MAX = 512;
const RETRY_AFTER_MS = 250;

/** Refuses at once what would only wait: a full process answers `overloaded`, so that the caller asks another. */
export function admission({ metrics, inflightMax = INFLIGHT_MAX }: Pick<LayerParts, 'metrics' | 'inflightMax'>): Layer {
  const gauge = metrics.gauge('rpc_inflight', 'Calls under way.');
  let inflight = 0;
  return (next) =>
    async function* admitted(incoming) {
      if (inflight >= inflightMax) {
        throw new MeshError('overloaded', `this instance already serves ${inflightMax} calls`, { retryAfterMs: RETRY_AFTER_MS });
      }
      inflight += 1;
      gauge.set(inflight);
      try {
        yield* next(incoming);
      } finally {
        inflight -= 1;
        gauge.set(inflight);
      }
    };
}
