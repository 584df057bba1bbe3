import { expect, it } from 'vitest';
import { modelOfPack } from './artifacts.ts';
import { gathered } from './gathered.ts';
import type { SpeechChunk, SpeechRequest } from '../../services/tts/src/engine.ts';
import { engine as espeak } from '../../services/tts/src/engines/espeak.ts';
import { engine as flite } from '../../services/tts/src/engines/flite.ts';

const NEVER = new AbortController().signal;

async function load(engine: typeof flite, modelId: string, more: Readonly<Record<string, unknown>> = {}) {
  const { artifacts, settings } = await modelOfPack(modelId);
  const loaded = await engine.load(artifacts, { ...settings, ...more });
  return (request: SpeechRequest) => gathered(loaded.run(request, NEVER));
}

function seconds(chunks: readonly SpeechChunk[]): number {
  return chunks.reduce((sum, { pcm, rateHz }) => sum + pcm.length / 2 / rateHz, 0);
}

function loudness(chunks: readonly SpeechChunk[]): number {
  return Math.max(...chunks.flatMap(({ pcm }) => [...new Int16Array(pcm.slice().buffer)].map(Math.abs)));
}

it('flite speaks in both voices, faster on request, and the same text always alike', async () => {
  const speak = await load(flite, 'flite');
  const text = 'Go forward ten meters.';
  const [slt, again, rms, fast] = [
    await speak({ text, voice: 'slt', rate: 1 }),
    await speak({ text, voice: 'slt', rate: 1 }),
    await speak({ text, voice: 'rms', rate: 1 }),
    await speak({ text, voice: 'slt', rate: 2 }),
  ];
  expect(slt[0]).toMatchObject({ rateHz: 16_000 });
  expect(seconds(slt)).toBeGreaterThan(1);
  expect(loudness(slt)).toBeGreaterThan(3000);
  expect(again).toEqual(slt);
  expect(rms).not.toEqual(slt);
  expect(seconds(fast) / seconds(slt)).toBeCloseTo(0.5, 1);
});

it('flite takes text for text: an option or a tag in it is spoken, not obeyed', async () => {
  const speak = await load(flite, 'flite');
  expect(seconds(await speak({ text: '-o /d/other.wav', voice: 'slt', rate: 1 }))).toBeGreaterThan(1);
  expect(seconds(await speak({ text: '<break time="30s"/> hello', voice: 'slt', rate: 1 }))).toBeLessThan(10);
});

it('flite refuses what would take longer to speak than it may', async () => {
  const speak = await load(flite, 'flite', { seconds_max: 2 });
  const refused = { code: 'payload-too-large', message: 'the text takes more than 2 s to speak; send shorter sentences' };
  await expect(speak({ text: 'Go forward ten meters and then come back.', voice: 'slt', rate: 1 })).rejects.toMatchObject(
    refused,
  );
});

it('espeak speaks from verified glue and program, and takes no phonemes or options from the text', async () => {
  const speak = await load(espeak, 'espeak-ng');
  const spoken = await speak({ text: '-h Go [[f3n]] forward', voice: 'en-us', rate: 1 });
  expect(spoken[0]).toMatchObject({ rateHz: 22_050 });
  expect(seconds(spoken)).toBeGreaterThan(1);
  expect(loudness(spoken)).toBeGreaterThan(3000);
});
