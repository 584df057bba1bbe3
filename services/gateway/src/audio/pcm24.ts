import type { AudioFrame } from '@smartlite/contracts';
import { type Resampler, resampler } from './resample.ts';
import { toPcm16 } from './samples.ts';

/** What OpenAI's clients take `pcm` for. */
export const OPENAI_RATE_HZ = 24_000;

/** Frames of any rate as 24 kHz mono s16le, one stream. */
export class Pcm24 {
  #converter: { readonly rateHz: number; readonly resampler: Resampler } | undefined;

  async push({ pcm, rateHz }: AudioFrame): Promise<Buffer> {
    if (this.#converter?.rateHz !== rateHz) {
      this.close();
      this.#converter = { rateHz, resampler: await resampler(rateHz, OPENAI_RATE_HZ) };
    }
    const samples = Float32Array.from({ length: pcm.length >> 1 }, (_, at) => pcm.readInt16LE(at * 2) / 32_768);
    return toPcm16(this.#converter.resampler.push(samples));
  }

  close(): void {
    this.#converter?.resampler.close();
    this.#converter = undefined;
  }
}
