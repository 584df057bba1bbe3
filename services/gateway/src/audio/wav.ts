import { MeshError } from '@smartlite/contracts';
import type { Sound } from './samples.ts';

// RIFF/WAVE as it comes, byte by byte: header first, then samples while the upload still runs.

const RIFF_HEADER_BYTES = 12;
const CHUNK_HEADER_BYTES = 8;
const FORMAT_BYTES_MIN = 16;
/** Chunks before the samples (names, cue points, pictures) are skipped, up to this much in all. */
const SKIPPED_BYTES_MAX = 1024 * 1024;
const CHANNELS_MAX = 32;
const RATE_HZ_MIN = 4_000;
const RATE_HZ_MAX = 384_000;
const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;

interface Format {
  readonly channels: number;
  readonly rateHz: number;
  readonly bytes: number;
  readonly read: (view: DataView, at: number) => number;
}

/** Reads one WAV file in pieces of any size. */
export class WavReader {
  #pending: Buffer = Buffer.alloc(0);
  #state: 'riff' | 'chunks' | 'samples' | 'done' = 'riff';
  #format: Format | undefined;
  #left = 0;
  #skip = 0;
  #skipped = 0;
  #read = 0;

  /** What the bytes so far give. Throws `unsupported-media` with what is wrong and where. */
  push(bytes: Uint8Array): Sound | undefined {
    this.#pending = this.#pending.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#pending, bytes]);
    while (this.#state === 'riff' || this.#state === 'chunks') if (!this.#header()) return undefined;
    return this.#state === 'samples' ? this.#samples() : undefined;
  }

  /** Throws where the file ended before its samples began. Samples that are fewer than the header says are taken as they are. */
  end(): void {
    if (this.#state === 'riff' || this.#state === 'chunks') {
      throw broken(`ends after ${this.#read + this.#pending.length} bytes, before any sample: the header is cut short`);
    }
  }

  #header(): boolean {
    if (this.#state === 'riff') return this.#riff();
    if (this.#skip > 0) return this.#skipSome();
    if (this.#pending.length < CHUNK_HEADER_BYTES) return false;
    const id = this.#pending.toString('latin1', 0, 4);
    const size = this.#pending.readUInt32LE(4);
    if (id === 'fmt ') return this.#formatChunk(size);
    this.#take(CHUNK_HEADER_BYTES);
    if (id === 'data') return this.#beginSamples(size);
    this.#skip = size + (size % 2);
    return true;
  }

  #riff(): boolean {
    if (this.#pending.length < RIFF_HEADER_BYTES) return false;
    this.#take(RIFF_HEADER_BYTES);
    this.#state = 'chunks';
    return true;
  }

  #skipSome(): boolean {
    const count = Math.min(this.#skip, this.#pending.length);
    if (count === 0) return false;
    this.#take(count);
    this.#skip -= count;
    this.#skipped += count;
    if (this.#skipped > SKIPPED_BYTES_MAX) throw broken(`has over ${SKIPPED_BYTES_MAX} bytes of other chunks before its samples`);
    return true;
  }

  #formatChunk(size: number): boolean {
    if (size < FORMAT_BYTES_MIN || size > SKIPPED_BYTES_MAX)
      throw broken(`has a format chunk of ${size} bytes at byte ${this.#read}`);
    if (this.#pending.length < CHUNK_HEADER_BYTES + size) return false;
    this.#format = formatOf(this.#pending.subarray(CHUNK_HEADER_BYTES, CHUNK_HEADER_BYTES + size));
    this.#take(CHUNK_HEADER_BYTES + size);
    this.#skip = size % 2;
    return true;
  }

  #beginSamples(size: number): boolean {
    if (!this.#format) throw broken(`has samples at byte ${this.#read} but no format chunk before them`);
    // Recorders that stream do not know the length and write 0 or the largest number.
    this.#left = size === 0 || size >= 0xffff_fff0 ? Number.POSITIVE_INFINITY : size;
    this.#state = 'samples';
    return true;
  }

  #samples(): Sound | undefined {
    const { channels: count, rateHz, bytes, read } = this.#format as Format;
    const frame = count * bytes;
    const usable = Math.min(this.#pending.length, this.#left);
    const frames = Math.floor(usable / frame);
    const view = new DataView(this.#pending.buffer, this.#pending.byteOffset, frames * frame);
    const channels = Array.from({ length: count }, () => new Float32Array(frames));
    channels.forEach((channel, index) => {
      for (let at = 0; at < frames; at += 1) channel[at] = read(view, at * frame + index * bytes);
    });
    this.#take(frames * frame);
    this.#left -= frames * frame;
    if (this.#left < frame) this.#state = 'done';
    return frames === 0 ? undefined : { rateHz, channels };
  }

  #take(count: number): void {
    this.#pending = this.#pending.subarray(count);
    this.#read += count;
  }
}

function formatOf(chunk: Buffer): Format {
  const tag = chunk.readUInt16LE(0);
  const kind = tag === EXTENSIBLE && chunk.length >= 26 ? chunk.readUInt16LE(24) : tag;
  const [channels, rateHz, bits] = [chunk.readUInt16LE(2), chunk.readUInt32LE(4), chunk.readUInt16LE(14)];
  if (channels < 1 || channels > CHANNELS_MAX) throw broken(`says ${channels} channels; 1 to ${CHANNELS_MAX} are due`);
  if (rateHz < RATE_HZ_MIN || rateHz > RATE_HZ_MAX)
    throw broken(`says ${rateHz} samples a second; ${RATE_HZ_MIN} to ${RATE_HZ_MAX} are due`);
  const read = READERS[`${kind}/${bits}`];
  if (!read) throw broken(`holds format ${kind} with ${bits} bits: PCM of 8, 16, 24 or 32 bits and float of 32 or 64 are known`);
  return { channels, rateHz, bytes: bits / 8, read };
}

const READERS: Readonly<Record<string, Format['read']>> = {
  [`${PCM}/8`]: (view, at) => (view.getUint8(at) - 128) / 128,
  [`${PCM}/16`]: (view, at) => view.getInt16(at, true) / 32_768,
  [`${PCM}/24`]: (view, at) => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 8_388_608,
  [`${PCM}/32`]: (view, at) => view.getInt32(at, true) / 2_147_483_648,
  [`${FLOAT}/32`]: (view, at) => view.getFloat32(at, true),
  [`${FLOAT}/64`]: (view, at) => view.getFloat64(at, true),
};

function broken(what: string): MeshError {
  return new MeshError('unsupported-media', `the WAV file ${what}`);
}

/** A whole WAV file around s16le mono samples. */
export function wavFile(pcm: Uint8Array, rateHz: number): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + pcm.byteLength, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(FORMAT_BYTES_MIN, 16);
  header.writeUInt16LE(PCM, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(rateHz, 24);
  header.writeUInt32LE(rateHz * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(pcm.byteLength, 40);
  return Buffer.concat([header, pcm]);
}
