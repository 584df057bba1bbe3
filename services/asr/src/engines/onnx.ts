import { InferenceSession, type Tensor } from 'onnxruntime-node';
import type { EngineArtifact } from '@smartlite/chassis';

/**
 * A session over verified bytes. `threads` work on one run; they sleep when idle, because spinning threads take the processor from
 * other engines of the machine.
 */
export async function openSession(artifact: EngineArtifact, threads: number): Promise<InferenceSession> {
  if (artifact.kind !== 'bytes') throw new Error(`artifact ${artifact.id} must come as bytes`);
  return await InferenceSession.create(artifact.bytes, {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
  });
}

/** Numbers of a named output. Throws an Error when the model has no such output, which means it is another model. */
export function floatsOf(output: Readonly<Record<string, Tensor>>, name: string): Float32Array {
  const data = output[name]?.data;
  if (data instanceof Float32Array) return data;
  throw new Error(`the model has no output ${name} of 32-bit floats`);
}
