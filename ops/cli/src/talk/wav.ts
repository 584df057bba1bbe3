/** Bytes of the header that `wavOf` writes. */
const HEADER_BYTES = 44;

/** A mono 16-bit WAV (RIFF) of these samples. */
export function wavOf(pcm: Uint8Array, rateHz: number): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(HEADER_BYTES - 8 + pcm.byteLength, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16); // Length of the fmt chunk.
  header.writeUInt16LE(1, 20); // PCM.
  header.writeUInt16LE(1, 22); // Mono.
  header.writeUInt32LE(rateHz, 24);
  header.writeUInt32LE(rateHz * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(pcm.byteLength, 40);
  return Buffer.concat([header, pcm]);
}

/** Bytes a second of a WAV file as its header declares, for feeding it in real time; undefined when it is no WAV. */
export function bytesPerSecond(file: Uint8Array): number | undefined {
  const view = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (view.length < 32 || view.toString('latin1', 0, 4) !== 'RIFF' || view.toString('latin1', 8, 12) !== 'WAVE') return undefined;
  return view.readUInt32LE(28) || undefined;
}
