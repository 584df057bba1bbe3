/** Audio inside the mesh is mono s16le at this rate. */
export const RATE_HZ = 16_000;
/** Bytes of one sample. */
export const SAMPLE_BYTES = 2;

const FULL_SCALE = 32_768;

/** Samples in -1 to 1 of s16le bytes; a last odd byte is left out. */
export function samplesOf(pcm: Uint8Array): Float32Array<ArrayBuffer> {
  const view = new DataView(pcm.buffer, pcm.byteOffset, pcm.byteLength);
  const samples = new Float32Array(Math.floor(pcm.byteLength / SAMPLE_BYTES));
  for (let index = 0; index < samples.length; index++) samples[index] = view.getInt16(index * SAMPLE_BYTES, true) / FULL_SCALE;
  return samples;
}

/** s16le bytes of samples in -1 to 1; louder ones are cut off. */
export function pcmOf(samples: Float32Array): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(samples.length * SAMPLE_BYTES));
  for (const [index, sample] of samples.entries()) {
    view.setInt16(index * SAMPLE_BYTES, Math.max(-FULL_SCALE, Math.min(FULL_SCALE - 1, Math.round(sample * FULL_SCALE))), true);
  }
  return new Uint8Array(view.buffer);
}

export function msOf(samples: number): number {
  return Math.round((samples * 1000) / RATE_HZ);
}

export function samplesIn(ms: number): number {
  return Math.round((ms * RATE_HZ) / 1000);
}
