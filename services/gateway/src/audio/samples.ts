import { MeshError } from '@smartlite/contracts';

/** What recordings are made with, telephones and studios included. The resampler takes no higher rate. */
export const RATE_HZ_MIN = 4_000;
export const RATE_HZ_MAX = 192_000;
export const CHANNELS_MAX = 32;

/** Decoded sound: one array a channel, -1 to 1. */
export interface Sound {
  readonly rateHz: number;
  readonly channels: readonly Float32Array[];
}

/** Passes on what can be worked with. Throws `unsupported-media` for rates and numbers of channels that only a broken or hostile file has. */
export function plausible(sound: Sound): Sound {
  const { rateHz, channels } = sound;
  if (!(rateHz >= RATE_HZ_MIN && rateHz <= RATE_HZ_MAX))
    throw new MeshError(
      'unsupported-media',
      `the file says ${rateHz} samples a second; ${RATE_HZ_MIN} to ${RATE_HZ_MAX} are due`,
    );
  if (channels.length > CHANNELS_MAX)
    throw new MeshError('unsupported-media', `the file has ${channels.length} channels; ${CHANNELS_MAX} are the most`);
  return sound;
}

/** Mean of the channels. */
export function mono({ channels }: Sound): Float32Array {
  const [first = new Float32Array(0), ...others] = channels;
  if (others.length === 0) return first;
  const mixed = new Float32Array(first.length);
  for (let at = 0; at < mixed.length; at += 1) {
    let sum = first[at] ?? 0;
    for (const other of others) sum += other[at] ?? 0;
    mixed[at] = sum / channels.length;
  }
  return mixed;
}

const FULL_SCALE = 32_768;

/** s16le, clipped; what is no number becomes silence. Samples that were s16 come out as they went in. */
export function toPcm16(samples: Float32Array): Buffer {
  const pcm = Buffer.alloc(samples.length * 2);
  for (let at = 0; at < samples.length; at += 1) {
    const sample = Math.round((samples[at] || 0) * FULL_SCALE);
    pcm.writeInt16LE(Math.max(-FULL_SCALE, Math.min(FULL_SCALE - 1, sample)), at * 2);
  }
  return pcm;
}
