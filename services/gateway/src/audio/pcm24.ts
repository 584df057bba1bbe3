import { ToRate } from './torate.ts';

/** What OpenAI's clients take `pcm` for. */
export const OPENAI_RATE_HZ = 24_000;

/** Frames of any rate as 24 kHz mono s16le, one stream. */
export class Pcm24 extends ToRate {
  constructor() {
    super(OPENAI_RATE_HZ);
  }
}
