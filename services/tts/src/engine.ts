/**
 * What this service needs from outside: a model that turns a sentence or so into audio.
 * It runs in a child process that the chassis starts; requests and chunks are structured-clone values.
 */

/** Text as `speakable` leaves it, in a voice that the model has, at 0.5 to 2 times its usual rate. */
export interface SpeechRequest {
  readonly text: string;
  readonly voice: string;
  readonly rate: number;
}

/** About 100 ms of audio: mono s16le at `rateHz`. Chunks come in order and have no gaps. */
export interface SpeechChunk {
  readonly pcm: Uint8Array;
  readonly rateHz: number;
}
