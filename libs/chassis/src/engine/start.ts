import { MeshError } from '@smartlite/contracts';
import { FINDING_CODES, type FindingCode } from '@smartlite/trust';
import { unlessAborted } from '../server/ending.ts';
import type { LockView, Log, ModelFiles } from '../platform.ts';
import type { EngineHost, EngineOptions, EngineProcess } from './host.ts';
import type { FromEngine } from './messages.ts';
import { LoadedProcess } from './process.ts';
import { keysOf, spawnEngine } from './spawn.ts';

/** One at a time unless an engine is known to do more. */
const CONCURRENCY = 1;
/** Between two looks at their signal engines compute for less, also on a busy machine. */
const CANCEL_MS_MAX = 10_000;
/** A model of some GB from a slow disk. */
const LOAD_MS_MAX = 300_000;

export interface HostParts {
  readonly models: ModelFiles;
  readonly guard: Pick<LockView, 'alarm'>;
  readonly log: Log;
  /** Engine modules by the name that the pack uses. */
  readonly engines: Readonly<Record<string, URL>>;
}

export interface RunningHost extends EngineHost {
  /** Ends all engine processes at once. */
  close(): void;
}

/** Starts engine processes of one service. */
export function createEngineHost(parts: HostParts): RunningHost {
  const running = new Set<LoadedProcess>();
  return {
    async start<Request, Chunk>(modelId: string, options: EngineOptions = {}) {
      const loaded = await startEngine(modelId, options, parts);
      running.add(loaded);
      void loaded.exited.then(() => running.delete(loaded));
      return loaded as EngineProcess<unknown, unknown> as EngineProcess<Request, Chunk>;
    },
    close() {
      for (const process of running) process.kill();
    },
  };
}

async function startEngine(
  modelId: string,
  { signal, concurrency = CONCURRENCY, placeUntil = 'end', cancelMsMax = CANCEL_MS_MAX, settings = {} }: EngineOptions,
  parts: HostParts,
): Promise<LoadedProcess> {
  const { models, log } = parts;
  const { lockBytes, lockDigest, pack, packBytes } = await models.verify();
  const model = pack.models.find(({ id }) => id === modelId);
  if (!model) throw new MeshError('not-found', `the pack has no model ${modelId}`);
  const module = parts.engines[model.engine];
  if (!module) throw new MeshError('internal', `the service has no engine named ${model.engine}, which ${modelId} asks for`);

  const { promise: answer, resolve: answered } = Promise.withResolvers<FromEngine>();
  let loaded: LoadedProcess | undefined;
  const channel = spawnEngine(
    modelId,
    keysOf({ ...model.settings, ...settings }),
    (message) => {
      if (message.kind === 'loaded' || message.kind === 'refused') answered(message);
      else loaded?.deliver(message);
    },
    log,
  );
  channel.send({
    kind: 'load',
    moduleUrl: module.href,
    modelId,
    lock: lockBytes,
    pack: packBytes,
    trust: models.trust,
    modelsRoot: models.root,
    settings,
  });
  try {
    const ending = signal ? AbortSignal.any([signal, AbortSignal.timeout(LOAD_MS_MAX)]) : AbortSignal.timeout(LOAD_MS_MAX);
    const facts = proven(
      await unlessAborted(ending, Promise.race([answer, channel.exited.then(() => undefined)])),
      modelId,
      lockDigest,
      parts,
    );
    const onHung = () => log.warn('engine does not end what was cancelled and is ended', { model: modelId, cancelMsMax });
    loaded = new LoadedProcess(channel, { ...facts, modelId, concurrency, placeUntil, cancelMsMax, onHung });
    return loaded;
  } catch (caught) {
    channel.kill();
    throw caught;
  }
}

function proven(answer: FromEngine | undefined, modelId: string, lockDigest: string, { guard }: HostParts) {
  if (answer?.kind === 'loaded') return answer;
  if (answer?.kind !== 'refused') throw new MeshError('unavailable', `the engine process of ${modelId} ended while loading`);
  const { message, finding } = answer;
  // A missing file is no wrong byte: the model is absent here, and its shadow may take over.
  if (finding && isAlarming(finding.code)) guard.alarm({ artifact: finding.artifact, code: finding.code, message, lockDigest });
  throw new MeshError('unavailable', message, {
    facts: { model: modelId, ...(finding && { finding: finding.code, artifact: finding.artifact }) },
  });
}

function isAlarming(code: string): boolean {
  const group = Object.hasOwn(FINDING_CODES, code) ? FINDING_CODES[code as FindingCode] : undefined;
  return group === 'mismatch' || group === 'signature';
}
