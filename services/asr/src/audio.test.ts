import { describe, expect, it } from 'vitest';
import { Audio, AUDIO_MS_MAX } from './audio.ts';
import { samplesIn } from './pcm.ts';

describe('the audio of an utterance', () => {
  it('gives back any stretch of what was added, however it was cut up', () => {
    const audio = new Audio();
    const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => index % 251);
    for (let at = 0; at < bytes.length; at += 6400) audio.append(bytes.subarray(at, at + 6400));
    expect(audio.slice(1000, 40_000)).toEqual(bytes.slice(2000, 80_000));
    expect(audio.samples).toBe(50_000);
  });

  it('is silent beyond its end', () => {
    const audio = new Audio();
    audio.append(Uint8Array.of(1, 2));
    expect(audio.slice(0, 3)).toEqual(Uint8Array.of(1, 2, 0, 0, 0, 0));
  });

  it('refuses half a sample', () => {
    expect(() => new Audio().append(new Uint8Array(3))).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  });

  it('refuses more than a minute', () => {
    const audio = new Audio();
    audio.append(new Uint8Array(samplesIn(AUDIO_MS_MAX) * 2));
    expect(() => audio.append(new Uint8Array(2))).toThrow(expect.objectContaining({ code: 'payload-too-large' }));
  });
});
