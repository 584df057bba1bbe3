import type { Detection, DetectionRequest, Recognition } from './engine.ts';

/** A recognition, and who made it. */
export interface Heard<By> extends Recognition {
  readonly by: By;
}

/** What an utterance needs of the models. Each ends with the signal; failures are MeshErrors. */
export interface Ears<By> {
  /** Speech or silence, frame by frame. */
  detect(request: DetectionRequest, signal: AbortSignal): Promise<Detection>;
  /** The text of a finished segment, by the best model that can be had. */
  recognise(pcm: Uint8Array, signal: AbortSignal): Promise<Heard<By>>;
  /** A quick look at an unfinished segment; undefined when the machine has more important things to do. */
  glimpse(pcm: Uint8Array, signal: AbortSignal): Promise<string | undefined>;
}
