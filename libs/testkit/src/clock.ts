import type { Clock, Ids } from '@smartlite/chassis';

export interface ManualClock extends Clock {
  /** Moves both clocks on. */
  advance(ms: number): void;
  /** Moves the wall clock alone, as `date -s` does; a suspended machine, too, as far as the monotonic clock is concerned. */
  stepWall(ms: number): void;
}

/** A fixed moment, so that tests print the same everywhere: 2026-01-01T00:00:00Z. */
const START_UNIX_MS = 1_767_225_600_000;

/** A clock that stands still until the test turns it. */
export function manualClock(startUnixMs = START_UNIX_MS): ManualClock {
  let wallMs = startUnixMs;
  let monotonicMs = 0;
  return {
    nowMs: () => wallMs,
    monotonicMs: () => monotonicMs,
    advance(ms) {
      wallMs += ms;
      monotonicMs += ms;
    },
    stepWall(ms) {
      wallMs += ms;
    },
  };
}

/** The same ids for the same seed (Lehmer's generator). For tests only: everybody can guess them. */
export function seededIds(seed = 1): Ids {
  const MODULUS = 2_147_483_647;
  let state = (seed % (MODULUS - 1)) + 1;
  const byte = () => {
    state = (state * 48_271) % MODULUS;
    return state & 0xff;
  };
  const bytes = (count: number) => Uint8Array.from({ length: count }, byte);
  return {
    bytes,
    uuid() {
      const hex = Buffer.from(bytes(16)).toString('hex');
      return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20)].join('-');
    },
  };
}
