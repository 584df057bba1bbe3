import { MeshError } from '@smartlite/contracts';
import { msOf, samplesIn, SAMPLE_BYTES } from './pcm.ts';

/** A turn has 60 s at most (contract of AsrService); this bounds memory and work of one call. */
export const AUDIO_MS_MAX = 60_000;

/** The audio of one utterance: 16 kHz mono s16le, growing at its end. */
export class Audio {
  #bytes = new Uint8Array(samplesIn(1000) * SAMPLE_BYTES);
  #length = 0;

  get samples(): number {
    return this.#length / SAMPLE_BYTES;
  }

  get ms(): number {
    return msOf(this.samples);
  }

  /** Adds whole samples. Throws `invalid-argument` for half a sample and `payload-too-large` beyond the most. */
  append(pcm: Uint8Array): void {
    if (pcm.length % SAMPLE_BYTES !== 0)
      throw new MeshError('invalid-argument', 'pcm: an odd number of bytes is no mono s16le audio');
    const length = this.#length + pcm.length;
    if (length > samplesIn(AUDIO_MS_MAX) * SAMPLE_BYTES) {
      throw new MeshError('payload-too-large', `an utterance may have ${AUDIO_MS_MAX / 1000} s of audio; send a shorter one`);
    }
    if (length > this.#bytes.length) this.#grow(length);
    this.#bytes.set(pcm, this.#length);
    this.#length = length;
  }

  /** A copy of the samples from `start` up to `end`; beyond the end of the audio there is silence. */
  slice(start: number, end: number): Uint8Array<ArrayBuffer> {
    const copy = new Uint8Array((end - start) * SAMPLE_BYTES);
    copy.set(this.#bytes.subarray(start * SAMPLE_BYTES, Math.min(end * SAMPLE_BYTES, this.#length)));
    return copy;
  }

  #grow(atLeast: number): void {
    const larger = new Uint8Array(Math.max(atLeast, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
