import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { EngineArtifact, EngineModule } from '@smartlite/chassis';
import { MeshError } from '@smartlite/contracts';
import { type Script, type ScriptStep, scriptSchema, ruleFor } from './script.ts';
import { valueOf } from './value.ts';

/** How often a held step looks for its file. */
const LOOK_MS = 5;
/** Samples of a voice detector's frame, and the mean amplitude from which a frame counts as speech. */
const FRAME_SAMPLES = 512;
const LOUD = 300;

/** An engine that does what its artifact says. It is loaded as a real one is: by the verified loader, from the bytes that were hashed. */
export const engine: EngineModule<unknown, unknown> = {
  artifactsAs: 'bytes',
  async load(artifacts, settings) {
    const script = readScript(artifacts[0]);
    const holds = typeof settings['holds'] === 'string' ? settings['holds'] : undefined;
    return {
      async *run(request, signal) {
        const rule = ruleFor(script, request);
        if (!rule) throw new MeshError('invalid-argument', 'the script has no rule for this request');
        for (const step of rule.steps) yield* perform(step, { request, signal, holds });
      },
    };
  },
};

interface Scene {
  readonly request: unknown;
  readonly signal: AbortSignal;
  readonly holds: string | undefined;
}

async function* perform(step: ScriptStep, { request, signal, holds }: Scene): AsyncGenerator<unknown> {
  if ('chunk' in step) yield valueOf(step.chunk);
  else if ('detect' in step) yield detection(request as { pcm: Uint8Array });
  else if ('fail' in step) throw new MeshError(step.fail.code as 'internal', step.fail.message);
  else if ('exit' in step) process.exit(step.exit);
  else {
    while (!existsSync(join(holds ?? '/nowhere', step.hold))) await pause(LOOK_MS, undefined, { signal });
  }
}

function readScript(artifact: EngineArtifact | undefined): Script {
  if (artifact?.kind !== 'bytes') throw new MeshError('internal', 'a scripted engine needs its script as its first artifact');
  return scriptSchema.parse(JSON.parse(new TextDecoder().decode(artifact.bytes)));
}

/** Speech is what is loud. The detector's memory is of no use here, but has its shape. */
function detection({ pcm }: { readonly pcm: Uint8Array }) {
  const samples = new Int16Array(pcm.buffer.slice(pcm.byteOffset, pcm.byteOffset + pcm.byteLength));
  const frames = Math.floor(samples.length / FRAME_SAMPLES);
  const probabilities = Float32Array.from({ length: frames }, (_, frame) => {
    const part = samples.subarray(frame * FRAME_SAMPLES, (frame + 1) * FRAME_SAMPLES);
    return part.reduce((sum, sample) => sum + Math.abs(sample), 0) / FRAME_SAMPLES > LOUD ? 0.95 : 0.02;
  });
  return { probabilities, memory: { state: new Float32Array(256), context: new Float32Array(64) } };
}
