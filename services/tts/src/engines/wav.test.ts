import { describe, expect, it } from 'vitest';
import { chunksOfWav } from './wav.ts';

/** A WAV file with `samples` samples at 16 kHz; `dataSize` is what its header claims. */
function wav(samples: number, { channels = 1, dataSize = samples * 2 } = {}): Uint8Array {
  const file = Buffer.alloc(44 + samples * 2, 1);
  file.write('RIFF\0\0\0\0WAVEfmt ', 0, 'latin1');
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(channels, 22);
  file.writeUInt32LE(16_000, 24);
  file.writeUInt16LE(16, 34);
  file.write('data', 36, 'latin1');
  file.writeUInt32LE(dataSize, 40);
  return new Uint8Array(file);
}

describe('the chunks of a WAV file', () => {
  it('are 100 ms each, the last one shorter, and are all of its audio', () => {
    const chunks = [...chunksOfWav(wav(4000))];
    expect(chunks.map(({ pcm }) => pcm.length)).toEqual([3200, 3200, 1600]);
    expect(new Set(chunks.map(({ rateHz }) => rateHz))).toEqual(new Set([16_000]));
  });

  it('end where the bytes end, whatever the header claims', () => {
    expect([...chunksOfWav(wav(100, { dataSize: 0xffff_ffff }))].map(({ pcm }) => pcm.length)).toEqual([200]);
  });

  it('are refused when the audio is not mono', () => {
    expect(() => [...chunksOfWav(wav(100, { channels: 2 }))]).toThrow(/expected mono 16-bit PCM/);
  });

  it('are refused when it is no WAV file', () => {
    expect(() => [...chunksOfWav(new TextEncoder().encode('not a file of audio'))]).toThrow('the synthesiser wrote no WAV file');
  });
});
