import { type AudioFrame, MeshError } from '@smartlite/contracts';
import type { Scene } from './scene.ts';

/** Instances asked for one sentence once it has begun to sound. Before that the port asks others by itself. */
const TRIES_MAX = 2;

/**
 * One sentence, spoken. Where an instance fails in the middle of it, another speaks it anew and what has been heard already is left
 * out, so that the listener hears one sentence.
 */
export async function* voice({ ports, call, settings, progress, signal }: Scene, text: string): AsyncIterable<AudioFrame> {
  const avoid = new Set<string>();
  let heardMs = 0;
  for (let attempt = 1; ; attempt += 1) {
    let skipMs = heardMs;
    let asked = '';
    try {
      const options = { call, signal, avoid, onChosen: (instance: string) => (asked = instance) };
      for await (const { kind } of ports.tts.synthesize({ text, voice: settings.voice, rate: 0 }, options)) {
        if (kind?.$case === 'done') progress.tts = kind.value.servedBy;
        if (kind?.$case !== 'frame') continue;
        const rest = without(kind.value, skipMs);
        skipMs = Math.max(0, skipMs - lengthMs(kind.value));
        if (rest.pcm.length === 0) continue;
        heardMs += lengthMs(rest);
        yield rest;
      }
      return;
    } catch (caught) {
      if (attempt >= TRIES_MAX || signal.aborted || !MeshError.from(caught).retryable) throw caught;
      avoid.add(asked);
    }
  }
}

/** How long a frame sounds. */
export function lengthMs({ pcm, rateHz }: AudioFrame): number {
  return (pcm.length / 2 / rateHz) * 1_000;
}

function without(frame: AudioFrame, ms: number): AudioFrame {
  const samples = Math.round((ms * frame.rateHz) / 1_000);
  return samples === 0 ? frame : { ...frame, pcm: frame.pcm.subarray(samples * 2) };
}
