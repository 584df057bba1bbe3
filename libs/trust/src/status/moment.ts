/** Both clocks, read at one go. */
export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/**
 * Milliseconds that have passed at least since `since`, by whichever clock says more. The monotonic clock stands still while a
 * machine is suspended, the wall clock does not; a wall clock that steps back is ignored.
 */
export function elapsedMs(since: Moment, now: Moment): number {
  return Math.max(now.monotonicMs - since.monotonicMs, now.wallMs - since.wallMs, 0);
}

/** How far the two clocks have parted since `since`: a suspend, or a step of the wall clock. */
export function partedMs(since: Moment, now: Moment): number {
  return Math.abs(now.wallMs - since.wallMs - (now.monotonicMs - since.monotonicMs));
}
