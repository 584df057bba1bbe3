import { expect, it } from 'vitest';
import { msOf, pcmOf, samplesIn, samplesOf } from './pcm.ts';

it('samples go to bytes and back unchanged, from any offset in a buffer', () => {
  const bytes = pcmOf(Float32Array.of(0, 0.5, -0.5, -1));
  const shifted = new Uint8Array([7, ...bytes]).subarray(1);
  expect([...samplesOf(shifted)]).toEqual([0, 0.5, -0.5, -1]);
});

it('samples beyond full scale are cut off, not wrapped', () => {
  expect([...samplesOf(pcmOf(Float32Array.of(2, -2)))]).toEqual([32_767 / 32_768, -1]);
});

it('a second has 16000 samples', () => {
  expect([samplesIn(1000), msOf(16_000)]).toEqual([16_000, 1000]);
});
