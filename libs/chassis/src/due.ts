import type { Clock } from './clock.ts';
import type { Call } from './service.ts';

/** A call's deadline by the monotonic clock, for those who count by that one. Infinity where the call has none. */
export function dueMs({ deadlineUnixMs }: Pick<Call, 'deadlineUnixMs'>, clock: Clock): number {
  return clock.monotonicMs() + (deadlineUnixMs - clock.nowMs());
}
