import type { MeshError } from '@smartlite/contracts';
import { refusal } from '../lock/permit.ts';
import type { LockView } from '../platform.ts';
import { rateLimit } from '../trail/ratelimit.ts';
import type { Incoming, Layer } from './handle.ts';
import type { LayerParts } from './layers.ts';

/** Calls served outside normal mode that the trail keeps at once and per second after that. */
const SERVED_AT_ONCE = 50;
const SERVED_PER_SECOND = 10;

/**
 * Lets a call run only while the mode permits it: before the handler, before each answer that leaves, and at once when the mode
 * changes. The last look before an answer is one pointer read and one clock read, in `guard.current()`.
 */
export function lockGuard({ clock, guard, trail }: Pick<LayerParts, 'clock' | 'guard' | 'trail'>): Layer {
  const limit = rateLimit(clock, { burst: SERVED_AT_ONCE, perSecond: SERVED_PER_SECOND });
  const open = openCalls(guard);
  const recordServed = ({ call, method }: Incoming, mode: string) => {
    const pass = limit();
    if (!pass.allowed) return;
    trail.record(
      'call.served',
      { method: method.name, mode, unrecorded: pass.suppressed },
      { traceId: call.traceId, actor: call.caller.user },
    );
  };
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
      if (mode === 'safe' || mode === 'halted') recordServed(incoming, mode);
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
