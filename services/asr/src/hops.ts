import { samplesIn } from './pcm.ts';

/** New audio between two decodings of a growing segment: about 0.6 of a core for a live stream at the longest segment. */
export const HOP = samplesIn(600);

/**
 * How much of an open segment is decoded next for a partial transcript, in samples; undefined: not yet.
 * `decoded` is what the last hypothesis was made of, `available` what has been heard. Lengths are whole hops. One that has fallen
 * behind skips ahead, yet never to the newest hop at once: two hypotheses of different audio must agree before words are shown,
 * and if no more audio comes there would be no second one.
 */
export function nextLength(decoded: number, available: number): number | undefined {
  const newest = Math.floor(available / HOP) * HOP;
  const next = Math.max(decoded + HOP, newest - HOP);
  return next <= newest ? next : undefined;
}
