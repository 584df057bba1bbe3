import { FRAME_SAMPLES } from './engine.ts';
import { samplesIn } from './pcm.ts';

/** One frame of the voice detector, in order. */
export interface Frame {
  /** Probability of speech, 0 to 1. */
  readonly probability: number;
  /** Mean square of its samples; only compared with other frames. */
  readonly level: number;
}

/** A stretch of the utterance's audio, in samples: from `start`, up to and without `end`. */
export interface Segment {
  readonly start: number;
  readonly end: number;
}

/** Speech begins at this probability and goes on above the lower one, so that a soft consonant does not end a word. */
const BEGINS_AT = 0.5;
const GOES_ON_AT = 0.35;
/** Shorter noises (a click, a cough) are no speech. */
const SPEECH_FRAMES_MIN = framesIn(100);
/** Kept before the first and after the last speech frame: plosives and trailing consonants are heard late or not at all. */
const PRE_ROLL = samplesIn(400);
const POST_ROLL = samplesIn(350);
/** After so much silence nothing is gained by decoding what follows together with what went before. */
const LONG_PAUSE_FRAMES = framesIn(1500);
/** Decoding costs more than linearly; and a listener should not wait longer for the first words. */
const SEGMENT_FRAMES_MAX = framesIn(8000);
/** No piece shorter than this is cut off: a model needs some context. */
const PIECE_FRAMES_MIN = framesIn(2000);
/** A silence of this length is a better place to cut than the quietest moment of speech. */
const PAUSE_FRAMES_MIN = framesIn(250);
/** Loudness is compared over windows of this length, for one frame may fall between two beats of a voice. */
const QUIET_WINDOW_FRAMES = 3;

function framesIn(ms: number): number {
  return Math.ceil(samplesIn(ms) / FRAME_SAMPLES);
}

/**
 * Cuts an utterance into segments to decode, from the voice detector's frames. Pure: same frames, same segments.
 * A short utterance is one segment, pauses included. A longer one is cut in a pause, or at its quietest point where there is none.
 * Silence at both ends, long silences and short noises belong to no segment.
 */
export class Segmenter {
  /** Frames since the open segment's first one. */
  #frames: Frame[] = [];
  /** Number of the first of #frames in the utterance; undefined between segments. */
  #first: number | undefined;
  #next = 0;
  #endOfLast = 0;
  #speaking = false;
  /** Number of the frame after the last one with speech. */
  #silentSince = 0;
  #heardSpeech = false;

  /** Takes the next frame; gives the segment that it completes, if any. */
  push(frame: Frame): Segment | undefined {
    const number = this.#next++;
    this.#speaking = frame.probability >= (this.#speaking ? GOES_ON_AT : BEGINS_AT);
    if (this.#speaking) this.#silentSince = number + 1;
    if (this.#first === undefined && this.#speaking) this.#first = number;
    if (this.#first === undefined) return undefined;
    this.#frames.push(frame);
    return this.#complete(this.#first);
  }

  /** No more frames: gives the open segment, if any. `samples` is the length of the utterance. */
  end(samples: number): Segment | undefined {
    if (this.#first === undefined) return undefined;
    return this.#close(this.#first, samples);
  }

  /** Where the open segment begins, in samples, once it is surely speech. */
  get openFrom(): number | undefined {
    return this.#first !== undefined && this.#isSpeech() ? this.#startOf(this.#first) : undefined;
  }

  /** Whether there has been speech at all. */
  get heardSpeech(): boolean {
    return this.#heardSpeech || this.openFrom !== undefined;
  }

  /** Samples of silence since the last speech; 0 while there is speech, and before the first. */
  get pause(): number {
    return this.heardSpeech ? (this.#next - this.#silentSince) * FRAME_SAMPLES : 0;
  }

  #complete(first: number): Segment | undefined {
    if (this.#next - this.#silentSince >= LONG_PAUSE_FRAMES) return this.#close(first, this.#next * FRAME_SAMPLES);
    if (this.#silentSince - first >= SEGMENT_FRAMES_MAX) return this.#cut(first);
    return undefined;
  }

  /** Ends the open segment after its last speech. A mere noise is dropped. */
  #close(first: number, samplesMost: number): Segment | undefined {
    const speech = this.#isSpeech();
    this.#first = undefined;
    this.#frames = [];
    if (!speech) return undefined;
    return this.#segment(this.#startOf(first), Math.min(this.#silentSince * FRAME_SAMPLES + POST_ROLL, samplesMost));
  }

  /** Ends the open segment at the best place inside it; the rest stays open. */
  #cut(first: number): Segment | undefined {
    const at = bestCut(this.#frames);
    const start = this.#startOf(first);
    this.#frames = this.#frames.slice(at);
    this.#first = first + at;
    return this.#segment(start, this.#first * FRAME_SAMPLES);
  }

  #segment(start: number, end: number): Segment {
    this.#heardSpeech = true;
    this.#endOfLast = end;
    return { start, end };
  }

  #startOf(first: number): number {
    return Math.max(this.#endOfLast, first * FRAME_SAMPLES - PRE_ROLL);
  }

  #isSpeech(): boolean {
    return this.#frames.filter((frame) => frame.probability >= BEGINS_AT).length >= SPEECH_FRAMES_MIN;
  }
}

/** Index of the frame before which a full segment is best cut: the middle of its latest pause, else its quietest moment. */
function bestCut(frames: readonly Frame[]): number {
  for (let end = frames.length; end > PIECE_FRAMES_MIN; end--) {
    const silence = silenceBefore(frames, end);
    if (silence < PAUSE_FRAMES_MIN) continue;
    const middle = end - Math.floor(silence / 2);
    if (middle >= PIECE_FRAMES_MIN) return middle;
  }
  return quietest(frames);
}

function silenceBefore(frames: readonly Frame[], end: number): number {
  let start = end;
  while (start > 0 && (frames[start - 1]?.probability ?? 1) < GOES_ON_AT) start -= 1;
  return end - start;
}

function quietest(frames: readonly Frame[]): number {
  let best = PIECE_FRAMES_MIN;
  for (let at = PIECE_FRAMES_MIN; at < frames.length - QUIET_WINDOW_FRAMES; at++) {
    if (levelAround(frames, at) < levelAround(frames, best)) best = at;
  }
  return best;
}

function levelAround(frames: readonly Frame[], at: number): number {
  const window = frames.slice(at - 1, at - 1 + QUIET_WINDOW_FRAMES);
  return window.reduce((sum, frame) => sum + frame.level, 0);
}

/** Mean square of samples in -1 to 1. */
export function levelOf(samples: Float32Array): number {
  return samples.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, samples.length);
}
