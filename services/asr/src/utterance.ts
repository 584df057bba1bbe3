import { Audio } from './audio.ts';
import type { Ears, Heard } from './ears.ts';
import { type DetectorMemory, FRAME_SAMPLES } from './engine.ts';
import { Partials } from './partials.ts';
import { msOf, samplesOf } from './pcm.ts';
import { levelOf, type Segment, Segmenter } from './segmenter.ts';

/** Most frames the detector is asked about at once (2 s): between two requests other streams have their turn. */
const FRAMES_AT_ONCE = 62;

export interface UtteranceText {
  readonly text: string;
  readonly confidence: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** A whole utterance. `segments` is empty where no speech was heard. */
export interface UtteranceFinal<By> extends UtteranceText {
  readonly audioMs: number;
  readonly segments: readonly Heard<By>[];
}

export interface UtteranceOptions {
  /** Told of each new partial text; undefined: nobody wants them. */
  readonly onPartial?: (partial: UtteranceText) => void;
  /** Silence after speech that ends the utterance; undefined: only the caller ends it. */
  readonly endPauseMs?: number;
}

interface Piece<By> {
  readonly segment: Segment;
  readonly heard: Promise<Heard<By>>;
  /** What is known of its text: first the stable words of its partials. */
  text: string;
}

/**
 * One utterance while it is spoken: audio goes in as it comes, partial texts come out, and one final text at the end.
 * It is listened to, cut into segments, and each segment recognised as soon as it is complete.
 */
export class Utterance<By> {
  readonly #ears: Ears<By>;
  readonly #signal: AbortSignal;
  readonly #options: UtteranceOptions;
  readonly #audio = new Audio();
  readonly #segmenter = new Segmenter();
  readonly #pieces: Piece<By>[] = [];
  readonly #glimpses = new AbortController();
  readonly #partials: Partials;
  readonly #over = Promise.withResolvers<void>();
  #memory: DetectorMemory | undefined;
  #heard = 0;
  #listening: Promise<void> | undefined;

  constructor(ears: Ears<By>, signal: AbortSignal, options: UtteranceOptions = {}) {
    this.#ears = ears;
    this.#signal = signal;
    this.#options = options;
    const glimpsing = AbortSignal.any([signal, this.#glimpses.signal]);
    this.#partials = new Partials(
      (start, end) => this.#glimpse(start, end, glimpsing),
      () => this.#publish(),
    );
    this.#over.promise.catch(() => undefined);
  }

  /** Resolves when the speaker has paused for long enough; rejects when the utterance cannot be recognised. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Takes more audio, 16 kHz mono s16le. Returns at once; throws what `Audio.append` throws. */
  push(pcm: Uint8Array): void {
    this.#audio.append(pcm);
    this.#listening ??= this.#listen().finally(() => {
      this.#listening = undefined;
    });
    this.#listening.catch((failure: unknown) => this.#over.reject(failure));
  }

  /** No more audio: the final text. Throws when a segment could not be recognised: half a text would be a wrong one. */
  async finish(): Promise<UtteranceFinal<By>> {
    this.#glimpses.abort();
    await this.#listening;
    await this.#hearUpTo(Math.ceil(this.#audio.samples / FRAME_SAMPLES) * FRAME_SAMPLES);
    this.#decode(this.#segmenter.end(this.#audio.samples));
    const segments = await Promise.all(this.#pieces.map((piece) => piece.heard));
    return { ...this.#text(confidenceOf(segments, this.#pieces)), audioMs: this.#audio.ms, segments };
  }

  async #listen(): Promise<void> {
    while (this.#audio.samples - this.#heard >= FRAME_SAMPLES) {
      const frames = Math.min(Math.floor((this.#audio.samples - this.#heard) / FRAME_SAMPLES), FRAMES_AT_ONCE);
      await this.#hearUpTo(this.#heard + frames * FRAME_SAMPLES);
      if (msOf(this.#segmenter.pause) >= (this.#options.endPauseMs ?? Number.POSITIVE_INFINITY)) this.#over.resolve();
    }
  }

  async #hearUpTo(end: number): Promise<void> {
    if (end === this.#heard) return;
    const pcm = this.#audio.slice(this.#heard, end);
    const request = this.#memory === undefined ? { pcm } : { pcm, memory: this.#memory };
    const { probabilities, memory } = await this.#ears.detect(request, this.#signal);
    this.#memory = memory;
    this.#heard = end;
    const samples = samplesOf(pcm);
    for (const [index, probability] of probabilities.entries()) {
      const level = levelOf(samples.subarray(index * FRAME_SAMPLES, (index + 1) * FRAME_SAMPLES));
      this.#decode(this.#segmenter.push({ probability, level }));
    }
    // In the same turn as #decode: the words of a segment that has just been cut off must not be shown twice.
    if (this.#options.onPartial !== undefined && !this.#glimpses.signal.aborted)
      this.#partials.grow(this.#segmenter.openFrom, end);
  }

  #decode(segment: Segment | undefined): void {
    if (segment === undefined) return;
    const heard = this.#ears.recognise(this.#audio.slice(segment.start, segment.end), this.#signal);
    const piece: Piece<By> = { segment, heard, text: this.#partials.text };
    this.#pieces.push(piece);
    heard.then(
      ({ text }) => {
        piece.text = text;
      },
      (failure: unknown) => this.#over.reject(failure),
    );
  }

  async #glimpse(start: number, end: number, signal: AbortSignal): Promise<string | undefined> {
    try {
      return await this.#ears.glimpse(this.#audio.slice(start, end), signal);
    } catch {
      // A partial is a courtesy: the final text is made without it, and says what failed.
      return undefined;
    }
  }

  #publish(): void {
    if (!this.#glimpses.signal.aborted) this.#options.onPartial?.(this.#text(0));
  }

  #text(confidence: number): UtteranceText {
    const texts = [...this.#pieces.map((piece) => piece.text), this.#glimpses.signal.aborted ? '' : this.#partials.text];
    const start = this.#pieces[0]?.segment.start ?? this.#segmenter.openFrom ?? 0;
    const end = this.#segmenter.openFrom === undefined ? (this.#pieces.at(-1)?.segment.end ?? 0) : this.#heard;
    return { text: texts.filter((text) => text !== '').join(' '), confidence, startMs: msOf(start), endMs: msOf(end) };
  }
}

/** Mean over the utterance, each segment counting by its length. */
function confidenceOf(
  segments: readonly { readonly confidence: number }[],
  pieces: readonly { readonly segment: Segment }[],
): number {
  const lengths = pieces.map(({ segment }) => segment.end - segment.start);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (total === 0) return 0;
  return segments.reduce((sum, { confidence }, index) => sum + confidence * (lengths[index] ?? 0), 0) / total;
}
