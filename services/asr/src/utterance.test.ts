import { MeshError } from '@smartlite/contracts';
import { describe, expect, it } from 'vitest';
import type { Ears } from './ears.ts';
import { type DetectionRequest, FRAME_SAMPLES } from './engine.ts';
import { pcmOf, RATE_HZ, samplesOf } from './pcm.ts';
import { Utterance, type UtteranceText } from './utterance.ts';

const LOUD = 0.5;
const QUIET = 0;
const NEVER = new AbortController().signal;

/** Audio of so many seconds at one loudness. */
function audio(seconds: number, loudness: number): Uint8Array {
  return pcmOf(new Float32Array(Math.round(seconds * RATE_HZ)).fill(loudness));
}

/** Ears for which loud is speech and every loud half second is one word: `w1 w2 w3`. */
class LoudEars implements Ears<string> {
  recognised: number[] = [];
  failure: Error | undefined;
  glimpsing = true;

  async detect({ pcm }: DetectionRequest) {
    const samples = samplesOf(pcm);
    const probabilities = new Float32Array(samples.length / FRAME_SAMPLES).map((_, frame) =>
      (samples[frame * FRAME_SAMPLES] ?? 0) > 0 ? 1 : 0,
    );
    return { probabilities, memory: { state: new Float32Array(), context: new Float32Array() } };
  }

  async recognise(pcm: Uint8Array) {
    if (this.failure !== undefined) throw this.failure;
    this.recognised.push(pcm.length / 2 / RATE_HZ);
    return { text: words(pcm), confidence: 0.9, complete: true, by: 'big' };
  }

  async glimpse(pcm: Uint8Array) {
    return this.glimpsing ? words(pcm) : undefined;
  }
}

function words(pcm: Uint8Array): string {
  const loud = samplesOf(pcm).filter((sample) => sample > 0).length;
  return Array.from({ length: Math.floor(loud / (RATE_HZ / 2)) }, (_, index) => `w${index + 1}`).join(' ');
}

describe('an utterance that comes whole', () => {
  it('is recognised in one piece and knows where the speech was', async () => {
    const ears = new LoudEars();
    const utterance = new Utterance(ears, NEVER);
    utterance.push(audio(1, QUIET));
    utterance.push(audio(2, LOUD));
    utterance.push(audio(1, QUIET));
    const final = await utterance.finish();
    expect(final).toMatchObject({ text: 'w1 w2 w3 w4', audioMs: 4000, confidence: 0.9 });
    expect(final.startMs).toBeLessThan(1000);
    expect(final.endMs).toBeGreaterThan(3000);
    expect(ears.recognised).toHaveLength(1);
  });

  it('of half a minute is joined from its segments', async () => {
    const ears = new LoudEars();
    const utterance = new Utterance(ears, NEVER);
    for (let part = 0; part < 5; part++) {
      utterance.push(audio(5, LOUD));
      utterance.push(audio(1, QUIET));
    }
    const final = await utterance.finish();
    expect(final.text.split(' ')).toHaveLength(50);
    expect(Math.max(...ears.recognised)).toBeLessThan(10);
  });

  it('without speech has no text and asks no recogniser', async () => {
    const ears = new LoudEars();
    const utterance = new Utterance(ears, NEVER);
    utterance.push(audio(3, QUIET));
    expect(await utterance.finish()).toMatchObject({ text: '', segments: [], audioMs: 3000 });
    expect(ears.recognised).toEqual([]);
  });

  it('fails as a whole when one segment cannot be recognised', async () => {
    const ears = new LoudEars();
    ears.failure = new MeshError('unavailable', 'gone');
    const utterance = new Utterance(ears, NEVER);
    utterance.push(audio(1, LOUD));
    await expect(utterance.finish()).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('an utterance that is being spoken', () => {
  async function partialsOf(ears: LoudEars): Promise<UtteranceText[]> {
    const partials: UtteranceText[] = [];
    const utterance = new Utterance(ears, NEVER, { onPartial: (partial) => partials.push(partial) });
    for (let part = 0; part < 20; part++) {
      utterance.push(audio(0.2, LOUD));
      await settle();
    }
    await utterance.finish();
    return partials;
  }

  it('gives stable words while audio still comes, each partial longer than the last', async () => {
    const texts = (await partialsOf(new LoudEars())).map((partial) => partial.text);
    expect(texts.length).toBeGreaterThan(2);
    expect(texts).toEqual(texts.toSorted((one, other) => one.length - other.length));
    expect('w1 w2 w3 w4 w5 w6 w7 w8'.startsWith(texts.at(-1) ?? '?')).toBe(true);
  });

  it('gives partials for what has been heard even when no more audio comes', async () => {
    const partials: string[] = [];
    const utterance = new Utterance(new LoudEars(), NEVER, { onPartial: ({ text }) => partials.push(text) });
    utterance.push(audio(1.9, LOUD));
    await settle();
    expect(partials.at(-1)).toBe('w1 w2');
  });

  it('gives no partials under load, and the same final text', async () => {
    const ears = new LoudEars();
    ears.glimpsing = false;
    expect(await partialsOf(ears)).toEqual([]);
    expect(ears.recognised).toHaveLength(1);
  });

  it('is over after the pause that its caller asked for', async () => {
    const utterance = new Utterance(new LoudEars(), NEVER, { endPauseMs: 600 });
    utterance.push(audio(1, LOUD));
    utterance.push(audio(0.7, QUIET));
    await utterance.over;
    expect((await utterance.finish()).text).toBe('w1 w2');
  });
});

/** Lets all that is ready run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}
