import type { AudioFrame } from '@smartlite/contracts';
import type { SpeechChunk } from './engine.ts';

const SAMPLE_BYTES = 2;

/** How long a chunk sounds. */
export function msOf({ pcm, rateHz }: SpeechChunk): number {
  return (pcm.length / SAMPLE_BYTES / rateHz) * 1000;
}

/** How much of a text a listener has heard, whoever spoke it. */
export class Spoken {
  /** Heard, in milliseconds. */
  ms = 0;

  /** For a speaker that begins with the text's first word. Its `rest` is what has not been heard of a chunk; undefined: nothing. */
  anew(): { rest(chunk: SpeechChunk): AudioFrame | undefined } {
    let skipMs = this.ms;
    return {
      rest: ({ pcm, rateHz }) => {
        const lengthMs = msOf({ pcm, rateHz });
        const skipBytes = Math.min(pcm.length, Math.round((skipMs * rateHz) / 1000) * SAMPLE_BYTES);
        skipMs = Math.max(0, skipMs - lengthMs);
        if (skipBytes === pcm.length) return undefined;
        this.ms += ((pcm.length - skipBytes) / SAMPLE_BYTES / rateHz) * 1000;
        return { pcm: Buffer.from(pcm.buffer, pcm.byteOffset + skipBytes, pcm.length - skipBytes), rateHz };
      },
    };
  }
}
