import type { Call } from '@smartlite/chassis';
import { type AudioFrame, MeshError, type ServedBy } from '@smartlite/contracts';
import type { Stages } from '../engine.ts';

/** Instances asked for one sentence once it has begun to sound. Before that the port asks others by itself. */
const TRIES_MAX = 2;

/** For whom sentences are spoken, and how. */
export interface Voicing {
  readonly tts: Stages['tts'];
  readonly call: Call;
  readonly signal: AbortSignal;
  /** Empty: the usual one. */
  readonly voice: string;
  /** 0: the usual one. */
  readonly rate: number;
  readonly served: (by: ServedBy | undefined) => void;
}

/**
 * One sentence, spoken. Where an instance fails in the middle of it, another speaks it anew and what has been heard already is left
 * out, so that the listener hears one sentence.
 */
export async function* spoken({ tts, call, signal, voice, rate, served }: Voicing, text: string): AsyncIterable<AudioFrame> {
  const avoid = new Set<string>();
  let heardMs = 0;
  for (let attempt = 1; ; attempt += 1) {
    let skipMs = heardMs;
    let asked = '';
    try {
      const options = { call, signal, avoid, onChosen: (instance: string) => (asked = instance) };
      for await (const { kind } of tts.synthesize({ text, voice, rate }, options)) {
        if (kind?.$case === 'done') served(kind.value.servedBy);
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
