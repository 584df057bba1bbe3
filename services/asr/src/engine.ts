import { MeshError } from '@smartlite/contracts';
import { z } from 'zod';
import { SAMPLE_BYTES } from './pcm.ts';

/**
 * What this service needs from outside: one model that turns audio into text, one that tells speech from silence.
 * Both run in child processes that the chassis starts; requests and answers are structured-clone values.
 */

/** Most text that the longest segment can hold, with much room: nobody speaks a hundred characters a second. */
const TEXT_CHARACTERS_MAX = 3_000;

/** A stretch of audio with speech in it, 30 s at most: 16 kHz mono s16le. */
export interface RecognitionRequest {
  readonly pcm: Uint8Array;
}

/** Asks how likely the same audio makes each of these texts. */
export interface ComparisonRequest extends RecognitionRequest {
  readonly texts: readonly string[];
}

/** The one answer to a RecognitionRequest. */
export interface Recognition {
  /** Empty when the model heard no words. */
  readonly text: string;
  /** Mean probability of the chosen tokens, 0 to 1. */
  readonly confidence: number;
  /** False when the model had to be stopped at the most tokens that so much audio can hold. */
  readonly complete: boolean;
  /** Of the whole text, its end included, as a natural logarithm. Only from a model that takes a ComparisonRequest. */
  readonly likelihood?: number | undefined;
}

/** The one answer to a ComparisonRequest: natural logarithms, in the order of the texts. */
export interface Comparison {
  readonly likelihoods: readonly number[];
}

const recognitionSchema = z.strictObject({
  text: z.string().max(TEXT_CHARACTERS_MAX),
  confidence: z.number().min(0).max(1),
  complete: z.boolean(),
  likelihood: z.number().max(0).optional(),
});

/** A model's answer, looked at: an engine that has gone wrong may say anything. Throws `internal`. */
export function parseRecognition(answer: unknown): Recognition {
  const parsed = recognitionSchema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new MeshError('internal', 'the engine answered with something that is no transcript');
}

const comparisonSchema = z.strictObject({ likelihoods: z.array(z.number().max(0)) });

/** A model's comparison of so many texts, looked at. Throws `internal`. */
export function parseComparison(answer: unknown, { texts }: ComparisonRequest): Comparison {
  const parsed = comparisonSchema.safeParse(answer);
  if (parsed.success && parsed.data.likelihoods.length === texts.length) return parsed.data;
  throw new MeshError('internal', 'the engine answered with something that is no comparison of texts');
}

/** Audio samples in one frame of the voice detector: 32 ms. */
export const FRAME_SAMPLES = 512;
/** Samples of the previous frame that the detector hears again before each frame. */
export const CONTEXT_SAMPLES = 64;

/** What the detector remembers of a stream. The caller keeps it, so that one engine process serves all streams. */
export interface DetectorMemory {
  readonly state: Float32Array;
  readonly context: Float32Array;
}

/** Whole frames of 16 kHz mono s16le, following on what `memory` has heard; without it a stream begins. */
export interface DetectionRequest {
  readonly pcm: Uint8Array;
  readonly memory?: DetectorMemory | undefined;
}

/** The one answer to a DetectionRequest. */
export interface Detection {
  /** For each frame, the probability of speech, 0 to 1. */
  readonly probabilities: Float32Array;
  /** For the next request; absent: whoever answered remembers nothing. */
  readonly memory?: DetectorMemory | undefined;
}

const floats = z.instanceof(Float32Array);
const detectionSchema = z.strictObject({
  probabilities: floats.refine((all) => all.every((each) => each >= 0 && each <= 1)),
  memory: z.strictObject({ state: floats, context: floats }).optional(),
});

/** A detector's answer to so much audio, looked at. Throws `internal`. */
export function parseDetection(answer: unknown, { pcm }: DetectionRequest): Detection {
  const parsed = detectionSchema.safeParse(answer);
  const frames = Math.floor(pcm.length / SAMPLE_BYTES / FRAME_SAMPLES);
  if (parsed.success && parsed.data.probabilities.length === frames) return parsed.data;
  throw new MeshError('internal', 'the detector answered with something that is no judgement of the audio');
}
