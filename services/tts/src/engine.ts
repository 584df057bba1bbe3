import { MeshError } from '@smartlite/contracts';
import type { Phoneme } from '@smartlite/trust';
import { z } from 'zod';

/**
 * What this service needs from outside: a model that turns a sentence or so into audio.
 * It runs in a child process that the chassis starts; requests and chunks are structured-clone values.
 */

/** Text as `speakable` leaves it, in a voice that the model has, at 0.5 to 2 times its usual rate. */
export interface SpeechRequest {
  readonly text: string;
  readonly voice: string;
  readonly rate: number;
  /** Stretches of the text that are spoken as the lexicon says: in order, apart from each other. */
  readonly pronounced?: readonly Pronounced[];
}

/** A stretch of a text, `to` exclusive, and its sounds. */
export interface Pronounced {
  readonly from: number;
  readonly to: number;
  readonly phonemes: readonly Phoneme[];
}

/** About 100 ms of audio: mono s16le at `rateHz`. Chunks come in order and have no gaps. */
export interface SpeechChunk {
  readonly pcm: Uint8Array;
  readonly rateHz: number;
}

/** Rates that a synthesiser may have; anything else is no audio. */
const RATE_HZ_MIN = 8_000;
const RATE_HZ_MAX = 48_000;
const speechChunkSchema = z.strictObject({
  pcm: z.instanceof(Uint8Array).refine(({ length }) => length > 0 && length % 2 === 0),
  rateHz: z.number().int().min(RATE_HZ_MIN).max(RATE_HZ_MAX),
});

/** A model's chunk, looked at: an engine that has gone wrong may say anything. Throws `internal`. */
export function parseSpeechChunk(chunk: unknown): SpeechChunk {
  const parsed = speechChunkSchema.safeParse(chunk);
  if (parsed.success) return parsed.data;
  throw new MeshError('internal', 'the engine answered with something that is no audio');
}
