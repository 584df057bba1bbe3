import type { AudioFrame } from '@smartlite/contracts';
import { ToRate } from './torate.ts';

/** Frames of one answer, all at the rate of the first: whoever takes over in its middle may speak at another, and a file has but one. */
export class OneRate {
  #first: ToRate | undefined;

  /** Before a filter has enough to go by, the frame may be empty. */
  async push(frame: AudioFrame): Promise<AudioFrame> {
    this.#first ??= new ToRate(frame.rateHz);
    const { rateHz } = this.#first;
    return frame.rateHz === rateHz ? frame : { rateHz, pcm: await this.#first.push(frame) };
  }

  close(): void {
    this.#first?.close();
  }
}

/** The same for frames as they come. */
export async function* atOneRate(frames: AsyncIterable<AudioFrame>): AsyncIterable<AudioFrame> {
  const one = new OneRate();
  try {
    for await (const made of frames) {
      const frame = await one.push(made);
      if (frame.pcm.length > 0) yield frame;
    }
  } finally {
    one.close();
  }
}
