import { type Code, MeshError } from '@smartlite/contracts';
import { CountedRecord } from '../trail/countedrecord.ts';
import { REFUSALS_RECORDED } from '../trail/ratelimit.ts';
import { endingWith } from './ending.ts';
import type { Layer } from './handle.ts';
import type { LayerParts } from './layers.ts';

const REFUSALS: ReadonlySet<Code> = new Set<Code>([
  'safe-mode',
  'halted',
  'starting',
  'no-compliant-region',
  'over-budget',
  'budget-unavailable',
  'permission-denied',
  'unauthenticated',
]);

/**
 * Turns whatever is thrown into a MeshError, and ends the call when its signal ends. The reason why the signal ended wins over
 * what the handler made of it: a call that safe mode cut is refused, not "aborted".
 */
export function errorFunnel({ clock, log, trail }: Pick<LayerParts, 'clock' | 'log' | 'trail'>): Layer {
  const refusals = new CountedRecord({ clock, trail }, 'call.refused', REFUSALS_RECORDED);
  return (next) =>
    async function* funnelled(incoming) {
      const { call, method } = incoming;
      try {
        yield* endingWith(call.signal, next(incoming));
      } catch (caught) {
        const error = MeshError.from(call.signal.aborted ? (call.signal.reason ?? caught) : caught);
        if (error.code === 'internal') log.error('call failed unexpectedly', { method: method.name, error });
        if (REFUSALS.has(error.code))
          refusals.record({ method: method.name, reason: error.reason }, { traceId: call.traceId, actor: call.caller.user });
        throw error;
      } finally {
        // Whatever the handler has started on behalf of this call ends with it.
        incoming.end(new MeshError('cancelled', 'the call is over'));
      }
    };
}
