import type { SpeechChunk } from '../engine.ts';

/** Long enough that messages are few, short enough that playing begins at once. */
const CHUNK_MS = 100;
const SAMPLE_BYTES = 2;
const RIFF_HEADER_BYTES = 12;
const CHUNK_HEADER_BYTES = 8;

/**
 * Cuts a WAV file that a synthesiser made into chunks. Sizes in its headers are not trusted beyond the bytes that are there:
 * synthesisers that write to a pipe leave them at their largest value. Throws an Error when it is not mono 16-bit PCM.
 */
export function* chunksOfWav(wav: Uint8Array): Iterable<SpeechChunk> {
  const { rateHz, data } = parseWav(wav);
  const chunkBytes = Math.round((rateHz * CHUNK_MS) / 1000) * SAMPLE_BYTES;
  for (let at = 0; at < data.length; at += chunkBytes) yield { pcm: data.slice(at, at + chunkBytes), rateHz };
}

function parseWav(wav: Uint8Array): { readonly rateHz: number; readonly data: Uint8Array } {
  const view = new DataView(wav.buffer, wav.byteOffset, wav.byteLength);
  let rateHz: number | undefined;
  for (let at = RIFF_HEADER_BYTES; at + CHUNK_HEADER_BYTES <= wav.length; ) {
    const name = String.fromCharCode(...wav.subarray(at, at + 4));
    const size = Math.min(view.getUint32(at + 4, true), wav.length - at - CHUNK_HEADER_BYTES);
    const body = at + CHUNK_HEADER_BYTES;
    if (name === 'fmt ') rateHz = rateOf(new DataView(view.buffer, view.byteOffset + body, size));
    if (name === 'data' && rateHz !== undefined) return { rateHz, data: wav.subarray(body, body + size - (size % SAMPLE_BYTES)) };
    at = body + size + (size % 2);
  }
  throw new Error('the synthesiser wrote no WAV file');
}

function rateOf(format: DataView): number {
  const [encoding, channels, bits] = [format.getUint16(0, true), format.getUint16(2, true), format.getUint16(14, true)];
  if (encoding === 1 && channels === 1 && bits === 16) return format.getUint32(4, true);
  throw new Error(`the synthesiser wrote encoding ${encoding}, ${channels} channels, ${bits} bits; expected mono 16-bit PCM`);
}
