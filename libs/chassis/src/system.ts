import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock, Ids } from './clock.ts';

/** The machine's own clocks. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** The operating system's randomness. */
export const systemIds: Ids = {
  uuid: () => randomUUID(),
  bytes: (count) => randomBytes(count),
};
