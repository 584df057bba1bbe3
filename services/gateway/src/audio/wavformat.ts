import { MeshError } from '@smartlite/contracts';
import { CHANNELS_MAX, RATE_HZ_MAX, RATE_HZ_MIN } from './samples.ts';

const PCM = 1;
const FLOAT = 3;
const A_LAW = 6;
const MU_LAW = 7;
const EXTENSIBLE = 0xfffe;
/** Where an extensible format names the real one: the first two bytes of a GUID. */
const SUBFORMAT_AT = 24;

/** How samples lie in a WAV file. */
export interface Format {
  readonly channels: number;
  readonly rateHz: number;
  /** Of one sample of one channel. */
  readonly bytes: number;
  readonly read: (view: DataView, at: number) => number;
}

/** Reads a WAV file's format chunk (WAVEFORMATEX, or its extensible form). Throws `unsupported-media` for what is not known here. */
export function formatOf(chunk: Buffer): Format {
  const tag = chunk.readUInt16LE(0);
  const kind = tag === EXTENSIBLE && chunk.length >= SUBFORMAT_AT + 2 ? chunk.readUInt16LE(SUBFORMAT_AT) : tag;
  const [channels, rateHz, frame, bits] = [
    chunk.readUInt16LE(2),
    chunk.readUInt32LE(4),
    chunk.readUInt16LE(12),
    chunk.readUInt16LE(14),
  ];
  if (channels < 1 || channels > CHANNELS_MAX) throw broken(`says ${channels} channels; 1 to ${CHANNELS_MAX} are due`);
  if (rateHz < RATE_HZ_MIN || rateHz > RATE_HZ_MAX)
    throw broken(`says ${rateHz} samples a second; ${RATE_HZ_MIN} to ${RATE_HZ_MAX} are due`);
  const read = READERS[`${kind}/${bits}`];
  if (!read)
    throw broken(
      `holds format ${kind} with ${bits} bits: PCM of 8, 16, 24 or 32 bits, float of 32 or 64, A-law and mu-law are known`,
    );
  if (frame !== (channels * bits) / 8) throw broken(`says ${frame} bytes for ${channels} samples of ${bits} bits`);
  return { channels, rateHz, bytes: bits / 8, read };
}

const READERS: Readonly<Record<string, Format['read']>> = {
  [`${PCM}/8`]: (view, at) => (view.getUint8(at) - 128) / 128,
  [`${PCM}/16`]: (view, at) => view.getInt16(at, true) / 32_768,
  [`${PCM}/24`]: (view, at) => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 8_388_608,
  [`${PCM}/32`]: (view, at) => view.getInt32(at, true) / 2_147_483_648,
  [`${FLOAT}/32`]: (view, at) => view.getFloat32(at, true),
  [`${FLOAT}/64`]: (view, at) => view.getFloat64(at, true),
  [`${A_LAW}/8`]: (view, at) => aLaw(view.getUint8(at)) / 32_768,
  [`${MU_LAW}/8`]: (view, at) => muLaw(view.getUint8(at)) / 32_768,
};

// What telephones send (ITU-T G.711): sign, a power of two, and four bits within it.

function aLaw(byte: number): number {
  const code = byte ^ 0x55;
  const [power, steps] = [(code & 0x70) >> 4, (code & 0x0f) << 4];
  const size = power === 0 ? steps + 8 : (steps + 0x108) << (power - 1);
  return (code & 0x80) === 0 ? -size : size;
}

function muLaw(byte: number): number {
  const code = ~byte;
  const size = ((((code & 0x0f) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84;
  return (code & 0x80) === 0 ? size : -size;
}

/** What is wrong with a WAV file, as the caller is told. */
export function broken(what: string): MeshError {
  return new MeshError('unsupported-media', `the WAV file ${what}`);
}
