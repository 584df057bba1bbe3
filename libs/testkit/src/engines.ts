import type { EngineHost, EngineProcess } from '@smartlite/chassis';
import { MeshError } from '@smartlite/contracts';

/** What an engine does with one request, in the test's own process. */
export type EngineScript = (request: never, signal: AbortSignal) => AsyncIterable<unknown>;

export interface MemoryEngines extends EngineHost {
  /** Processes that run, by model. */
  readonly running: ReadonlyMap<string, EngineProcess<unknown, unknown>>;
  /** Ends a model's process as a crash would. */
  crash(modelId: string): void;
}

/** An engine host without processes: each model is a function of the test's. A model without one cannot be loaded. */
export function memoryEngines(scripts: Readonly<Record<string, EngineScript>>): MemoryEngines {
  const running = new Map<string, EngineProcess<unknown, unknown>>();
  const exits = new Map<string, (code: number) => void>();
  const end = (modelId: string, code: number) => {
    running.delete(modelId);
    exits.get(modelId)?.(code);
  };
  return {
    running,
    crash: (modelId) => end(modelId, 1),
    async start<Request, Chunk>(modelId: string) {
      const script = scripts[modelId];
      if (!script) throw new MeshError('unavailable', `the test has no engine for ${modelId}`, { facts: { model: modelId } });
      const { promise: exited, resolve } = Promise.withResolvers<{ code: number | null; signal: string | null }>();
      exits.set(modelId, (code) => resolve({ code, signal: null }));
      const process = memoryProcess(modelId, script, exited, () => end(modelId, 0));
      running.set(modelId, process);
      return process as EngineProcess<Request, Chunk>;
    },
  };
}

function memoryProcess(
  modelId: string,
  script: EngineScript,
  exited: EngineProcess<unknown, unknown>['exited'],
  kill: () => void,
): EngineProcess<unknown, unknown> {
  let inflight = 0;
  let gone = false;
  void exited.then(() => (gone = true));
  return {
    modelId,
    engine: 'memory',
    pid: 0,
    artifactDigests: [`sha256:${'1'.repeat(64)}`],
    lockDigest: `sha256:${'0'.repeat(64)}`,
    queued: 0,
    waitMs: 0,
    exited,
    kill,
    relock: async () => false,
    get inflight() {
      return inflight;
    },
    async *run(request, signal, begun) {
      inflight += 1;
      begun?.();
      try {
        for await (const chunk of script(request as never, signal)) {
          signal.throwIfAborted();
          if (gone) throw new MeshError('unavailable', `the engine process of ${modelId} has ended`);
          yield chunk;
        }
      } finally {
        inflight -= 1;
      }
    },
  };
}
