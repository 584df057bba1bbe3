import type { Sound } from './samples.ts';
import { broken, type Format, formatOf } from './wavformat.ts';

// RIFF/WAVE as it comes, byte by byte: header first, then samples while the upload still runs. Files of over 4 GB are RF64 or BW64
// (EBU Tech 3306, ITU-R BS.2088): recorders that may have to write one begin every file so, with the length in a chunk `ds64`.

const RIFF_HEADER_BYTES = 12;
const CHUNK_HEADER_BYTES = 8;
/** Lengths of the file and of its samples, 64 bits each. */
const SIZES_BYTES = 16;
const SAMPLES_SIZE_AT = 8;
const SIZE_ELSEWHERE = 0xffff_ffff;
const FORMAT_BYTES_MIN = 16;
/** The longest that is in use has 40 bytes. It is kept until it is whole, so it must not be long. */
const FORMAT_BYTES_MAX = 1024;
/** Chunks before the samples (names, cue points, pictures) are skipped, up to this much in all. */
const SKIPPED_BYTES_MAX = 1024 * 1024;

/** Reads one WAV file in pieces of any size. */
export class WavReader {
  #pending: Buffer = Buffer.alloc(0);
  #state: 'riff' | 'chunks' | 'samples' | 'done' = 'riff';
  #format: Format | undefined;
  #left = 0;
  #declared: number | undefined;
  #size64: number | undefined;
  #skip = 0;
  #skipped = 0;
  #read = 0;

  /** What the bytes so far give. Throws `unsupported-media` with what is wrong and where. */
  push(bytes: Uint8Array): Sound | undefined {
    // What follows the samples is of no interest, and not kept.
    if (this.#state === 'done') return undefined;
    this.#pending = this.#pending.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#pending, bytes]);
    while (this.#state === 'riff' || this.#state === 'chunks') if (!this.#header()) return undefined;
    return this.#state === 'samples' ? this.#samples() : undefined;
  }

  /** Length that the header says, where it says one; it may be wrong. */
  get declared(): { readonly bytes: number; readonly seconds: number } | undefined {
    const { channels, rateHz, bytes } = this.#format ?? { channels: 1, rateHz: 1, bytes: 1 };
    return this.#declared === undefined
      ? undefined
      : { bytes: this.#declared, seconds: this.#declared / (channels * rateHz * bytes) };
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
    if (id === 'ds64' && size >= SIZES_BYTES) {
      if (this.#pending.length < CHUNK_HEADER_BYTES + SIZES_BYTES) return false;
      this.#size64 = Number(this.#pending.readBigUInt64LE(CHUNK_HEADER_BYTES + SAMPLES_SIZE_AT));
    }
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
    if (size < FORMAT_BYTES_MIN || size > FORMAT_BYTES_MAX)
      throw broken(`has a format chunk of ${size} bytes at byte ${this.#read}`);
    if (this.#pending.length < CHUNK_HEADER_BYTES + size) return false;
    this.#format = formatOf(this.#pending.subarray(CHUNK_HEADER_BYTES, CHUNK_HEADER_BYTES + size));
    this.#take(CHUNK_HEADER_BYTES + size);
    this.#skip = size % 2;
    return true;
  }

  #beginSamples(size32: number): boolean {
    if (!this.#format) throw broken(`has samples at byte ${this.#read} but no format chunk before them`);
    // Recorders that stream do not know the length and write 0 or the largest number.
    const size = size32 === SIZE_ELSEWHERE && this.#size64 !== undefined ? this.#size64 : size32;
    const isKnown = size !== 0 && (size < 0xffff_fff0 || size === this.#size64);
    this.#declared = isKnown ? size : undefined;
    this.#left = isKnown ? size : Number.POSITIVE_INFINITY;
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
    if (this.#left < frame) {
      this.#state = 'done';
      this.#pending = Buffer.alloc(0);
    }
    return frames === 0 ? undefined : { rateHz, channels };
  }

  #take(count: number): void {
    this.#pending = this.#pending.subarray(count);
    this.#read += count;
  }
}
