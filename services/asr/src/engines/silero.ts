import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { z } from 'zod';
import type { EngineModule } from '@smartlite/chassis';
import { CONTEXT_SAMPLES, type Detection, type DetectionRequest, type DetectorMemory, FRAME_SAMPLES } from '../engine.ts';
import { RATE_HZ, samplesOf } from '../pcm.ts';
import { floatsOf, openSession } from './onnx.ts';

const settingsSchema = z.object({ threads: z.int().min(1).max(64).default(1) });

/** Two layers, one stream, 128 units. */
const STATE_SHAPE = [2, 1, 128];
const STATE_LENGTH = 256;

/** Silero VAD v6: one ONNX artifact. Without the context before each frame this version hears nothing at all. */
export const engine: EngineModule<DetectionRequest, Detection> = {
  artifactsAs: 'bytes',
  async load([model], settings) {
    if (model === undefined) throw new Error('silero needs one artifact: the model');
    const session = await openSession(model, settingsSchema.parse(settings).threads);
    return { run: (request, signal) => detect(session, request, signal), close: () => session.release() };
  },
};

async function* detect(
  session: InferenceSession,
  { pcm, memory = newMemory() }: DetectionRequest,
  signal: AbortSignal,
): AsyncIterable<Detection> {
  const samples = samplesOf(pcm);
  const probabilities = new Float32Array(Math.floor(samples.length / FRAME_SAMPLES));
  let now = memory;
  for (let frame = 0; frame < probabilities.length; frame++) {
    signal.throwIfAborted();
    const heard = await hear(session, samples.subarray(frame * FRAME_SAMPLES, (frame + 1) * FRAME_SAMPLES), now);
    probabilities[frame] = heard.probability;
    now = heard.memory;
  }
  yield { probabilities, memory: now };
}

function newMemory(): DetectorMemory {
  return { state: new Float32Array(STATE_LENGTH), context: new Float32Array(CONTEXT_SAMPLES) };
}

async function hear(session: InferenceSession, frame: Float32Array, { state, context }: DetectorMemory) {
  const input = new Float32Array(CONTEXT_SAMPLES + FRAME_SAMPLES);
  input.set(context);
  input.set(frame, CONTEXT_SAMPLES);
  const output = (await session.run({
    input: new Tensor('float32', input, [1, input.length]),
    state: new Tensor('float32', state, STATE_SHAPE),
    sr: new Tensor('int64', BigInt64Array.of(BigInt(RATE_HZ)), []),
  })) as Readonly<Record<string, Tensor>>;
  const [probability = 0] = floatsOf(output, 'output');
  return { probability, memory: { state: floatsOf(output, 'stateN'), context: frame.slice(-CONTEXT_SAMPLES) } };
}
