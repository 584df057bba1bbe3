import { MeshError } from '@smartlite/contracts';
import type { Layer } from './handle.ts';
import type { LayerParts } from './layers.ts';

/**
 * Refuses a request whose data may not be seen here, whoever sent it: the caller chose by what discovery had heard, and an instance
 * knows for certain where it runs.
 */
export function residency({ region }: Pick<LayerParts, 'region'>): Layer {
  return (next) =>
    async function* resident(incoming) {
      const { regions } = incoming.call.caller;
      if (region !== undefined && regions.length > 0 && !regions.includes(region))
        throw new MeshError(
          'no-compliant-region',
          `this instance runs in ${region}; the request may be seen in ${regions.join(', ')}`,
        );
      yield* next(incoming);
    };
}
