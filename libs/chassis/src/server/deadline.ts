import { MeshError } from '@smartlite/contracts';
import type { Layer } from './handle.ts';
import type { LayerParts } from './layers.ts';

/** Longest that setTimeout takes; a deadline further off gets no timer. */
const TIMER_MS_MAX = 2 ** 31 - 1;

const passed = () => new MeshError('deadline-exceeded', 'the deadline passed');

/** Refuses work whose deadline has passed, and ends a call when it does. */
export function deadline({ clock }: Pick<LayerParts, 'clock'>): Layer {
  return (next) =>
    async function* inTime(incoming) {
      const leftMs = incoming.call.deadlineUnixMs - clock.nowMs();
      if (leftMs <= 0) throw passed();
      const timer = leftMs <= TIMER_MS_MAX ? setTimeout(() => incoming.end(passed()), leftMs) : undefined;
      try {
        yield* next(incoming);
      } finally {
        clearTimeout(timer);
      }
    };
}
