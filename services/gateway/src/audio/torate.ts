import type { AudioFrame } from '@smartlite/contracts';
import { type Resampler, resampler } from './resample.ts';
import { toPcm16 } from './samples.ts';

/** Frames of any rate as mono s16le of one, one stream. */
export class ToRate {
  readonly rateHz: number;
  #converter: { readonly rateHz: number; readonly resampler: Resampler } | undefined;

  constructor(rateHz: number) {
    this.rateHz = rateHz;
  }

  async push({ pcm, rateHz }: AudioFrame): Promise<Buffer> {
    if (this.#converter?.rateHz !== rateHz) {
      this.close();
      this.#converter = { rateHz, resampler: await resampler(rateHz, this.rateHz) };
    }
    const samples = Float32Array.from({ length: pcm.length >> 1 }, (_, at) => pcm.readInt16LE(at * 2) / 32_768);
    return toPcm16(this.#converter.resampler.push(samples));
  }

  close(): void {
    this.#converter?.resampler.close();
    this.#converter = undefined;
  }
}
