import { MeshError } from '@smartlite/contracts';
import { decodeCompressed } from './compressed.ts';
import { detect, DETECT_BYTES } from './detect.ts';
import { withoutTags } from './id3.ts';
import { type Resampler, resampler } from './resample.ts';
import { mono, plausible, type Sound, toPcm16 } from './samples.ts';
import { WavReader } from './wav.ts';

/** Audio inside the mesh: 16 kHz mono s16le. */
export const RATE_HZ = 16_000;
const BYTES_PER_SECOND = RATE_HZ * 2;

export interface IntakeLimits {
  readonly uploadBytesMax: number;
  readonly turnSecondsMax: number;
}

/**
 * Turns an upload of any known format into 16 kHz mono s16le while it arrives. `rawRateHz`: the body is raw s16le of that rate.
 * Throws `invalid-argument` for an empty body or one without a sample, `unsupported-media` for what is no audio, `payload-too-large` beyond the limits.
 */
export async function* intake(body: AsyncIterable<Uint8Array>, limits: IntakeLimits, rawRateHz?: number): AsyncIterable<Buffer> {
  const bytesMax = limits.turnSecondsMax * BYTES_PER_SECOND;
  let total = 0;
  for await (const pcm of convert(decode(capped(body, limits.uploadBytesMax), limits, rawRateHz))) {
    total += pcm.length;
    if (total > bytesMax) throw tooLong(limits);
    yield pcm;
  }
  if (total === 0) throw new MeshError('invalid-argument', 'the audio holds no samples');
}

async function* capped(body: AsyncIterable<Uint8Array>, bytesMax: number): AsyncIterable<Uint8Array> {
  let total = 0;
  for await (const part of body) {
    total += part.byteLength;
    if (total > bytesMax) throw new MeshError('payload-too-large', `the upload is larger than ${bytesMax} bytes`);
    if (part.byteLength > 0) yield part;
  }
  if (total === 0) throw new MeshError('invalid-argument', 'the body is empty: send audio');
}

function tooLong({ turnSecondsMax }: IntakeLimits): MeshError {
  return new MeshError('payload-too-large', `the audio is longer than ${turnSecondsMax} seconds: split it into turns`);
}

async function* decode(
  body: AsyncIterable<Uint8Array>,
  limits: IntakeLimits,
  rawRateHz: number | undefined,
): AsyncIterable<Sound> {
  if (rawRateHz !== undefined) return yield* raw(body, rawRateHz);
  const parts = withoutTags(body)[Symbol.asyncIterator]();
  const head = await headOf(parts);
  if (head.length === 0) throw new MeshError('unsupported-media', 'the file is an ID3 tag without any audio behind it');
  const whole = andThen(head, parts);
  const container = detect(head);
  if (container !== 'wav') return yield* decodeCompressed(container, whole);
  const reader = new WavReader();
  for await (const part of whole) {
    const sound = reader.push(part);
    // Refused before anybody has heard anything. A size that no upload can have comes from a recorder that did not know it.
    const { declared } = reader;
    if (declared && declared.bytes <= limits.uploadBytesMax && declared.seconds > limits.turnSecondsMax) throw tooLong(limits);
    if (sound) yield sound;
  }
  reader.end();
}

async function* raw(body: AsyncIterable<Uint8Array>, rateHz: number): AsyncIterable<Sound> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const part of body) {
    const bytes = Buffer.concat([rest, part]);
    const count = bytes.length >> 1;
    rest = bytes.subarray(count * 2);
    yield { rateHz, channels: [Float32Array.from({ length: count }, (_, at) => bytes.readInt16LE(at * 2) / 32_768)] };
  }
}

/** Mixes and resamples; the rate is that of the first sound and must stay so. */
async function* convert(sounds: AsyncIterable<Sound>): AsyncIterable<Buffer> {
  let converter: { readonly rateHz: number; readonly resampler: Resampler } | undefined;
  try {
    for await (const each of sounds) {
      const sound = plausible(each);
      converter ??= { rateHz: sound.rateHz, resampler: await resampler(sound.rateHz, RATE_HZ) };
      if (sound.rateHz !== converter.rateHz)
        throw new MeshError('unsupported-media', 'the file changes its sample rate half-way');
      const pcm = toPcm16(converter.resampler.push(mono(sound)));
      if (pcm.length > 0) yield pcm;
    }
  } finally {
    converter?.resampler.close();
  }
}

async function headOf(parts: AsyncIterator<Uint8Array>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < DETECT_BYTES) {
    const { done, value } = await parts.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  return head;
}

async function* andThen(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  yield head;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}
