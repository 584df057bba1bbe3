import type { MeshError } from '@smartlite/contracts';
import { refusal } from '../lock/permit.ts';
import type { LockView } from '../platform.ts';
import { CountedRecord } from '../trail/countedrecord.ts';
import type { Rate } from '../trail/ratelimit.ts';
import type { Incoming, Layer } from './handle.ts';
import type { LayerParts } from './layers.ts';

/** Calls served outside normal mode that have an entry each, at once and per second after that; the others are counted. */
const SERVED_RECORDED: Rate = { burst: 50, perSecond: 10 };

/**
 * Lets a call run only while the mode permits it: before the handler, before each answer that leaves, and at once when the mode
 * changes. The last look before an answer is one pointer read and one clock read, in `guard.current()`.
 */
export function lockGuard({ clock, guard, trail }: Pick<LayerParts, 'clock' | 'guard' | 'trail'>): Layer {
  const served = new CountedRecord({ clock, trail }, 'call.served', SERVED_RECORDED);
  const open = openCalls(guard);
  return (next) =>
    async function* guarded(incoming) {
      const { call, method } = incoming;
      const permit = (): void => {
        const no = refusal(method.inSafeMode, guard.current(), call.caller);
        if (no) throw no;
      };
      permit();
      // What cannot be audited is not served; what is about trust and trail themselves is.
      const unaudited = method.inSafeMode === 'serve' ? undefined : trail.refusal?.();
      if (unaudited) throw unaudited;
      const { mode, order } = guard.current();
      // In safe mode every operation is logged.
      if (mode === 'safe' || mode === 'halted')
        served.record({ method: method.name, mode }, { traceId: call.traceId, actor: call.caller.user });
      open.add(incoming);
      try {
        for await (const answer of next({
          ...incoming,
          call: { ...call, statusOrder: method.inSafeMode === 'serve' ? '' : order },
        })) {
          permit();
          yield answer;
        }
      } finally {
        open.delete(incoming);
      }
    };
}

/** Calls under way, cut as soon as the mode comes to forbid them. */
function openCalls(guard: LockView): Set<Incoming> {
  const open = new Set<Incoming>();
  guard.onChange((state) => {
    for (const incoming of open) {
      const no: MeshError | undefined = refusal(incoming.method.inSafeMode, state, incoming.call.caller);
      if (no) incoming.end(no);
    }
  });
  return open;
}
