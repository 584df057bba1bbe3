/** Of `latency_profile`: what a stage may take at the 99th percentile. */
export interface LatencyTarget {
  readonly p99_ms: number;
}

/** Speech up to this length is within the profile's figure; each further second has this much more. */
const SEGMENT_MS = 5_000;
const SHARE_OF_FURTHER_AUDIO = 0.2;
/** A sentence up to this length is within the profile's figure; a longer text has proportionally more. */
const SENTENCE_CHARACTERS = 160;

/** What the recognition of so much audio may take, in milliseconds. */
export function recognitionAllowedMs({ p99_ms: p99Ms }: LatencyTarget, audioMs: number): number {
  return p99Ms + SHARE_OF_FURTHER_AUDIO * Math.max(0, audioMs - SEGMENT_MS);
}

/** What the first audio of a text may take, in milliseconds: synthesisers may make the whole text before they give its first piece. */
export function speechAllowedMs({ p99_ms: p99Ms }: LatencyTarget, characters: number): number {
  return p99Ms * Math.max(1, characters / SENTENCE_CHARACTERS);
}
