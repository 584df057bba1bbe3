/** Decoded sound: one array a channel, -1 to 1. */
export interface Sound {
  readonly rateHz: number;
  readonly channels: readonly Float32Array[];
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

/** s16le, clipped; what is no number becomes silence. */
export function toPcm16(samples: Float32Array): Buffer {
  const pcm = Buffer.alloc(samples.length * 2);
  for (let at = 0; at < samples.length; at += 1) {
    const sample = Math.max(-1, Math.min(1, samples[at] || 0));
    pcm.writeInt16LE(Math.round(sample * 32_767), at * 2);
  }
  return pcm;
}
