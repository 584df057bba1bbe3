import { readFile } from 'node:fs/promises';
import type { Call, EngineModule, EngineProcess, LockState, ModelFact } from '@smartlite/chassis';
import { createMetrics } from '@smartlite/chassis/parts';
import { manualClock } from '@smartlite/testkit';
import { type Pack, parsePack } from '@smartlite/trust';
import { engine as moonshine } from '../../services/asr/src/engines/moonshine.ts';
import { engine as silero } from '../../services/asr/src/engines/silero.ts';
import { Recogniser } from '../../services/asr/src/recogniser.ts';
import { Transcription } from '../../services/asr/src/transcription.ts';
import { modelOfPack } from './artifacts.ts';

const CALL: Call = {
  signal: new AbortController().signal,
  deadlineUnixMs: Number.POSITIVE_INFINITY,
  requestId: 'request-1',
  traceId: '0'.repeat(32),
  caller: { user: 'u', tenant: 't', regions: [], operator: false },
  statusOrder: '1.1.1.1',
};

/** The service's own parts over real models of the committed pack, in this process: turns 16 kHz samples into text. */
export async function recogniserOfPack(lexicon?: Pack['lexicon']): Promise<(pcm: Uint8Array) => Promise<string>> {
  const committed = parsePack(await readFile(new URL('../../ops/MODEL_PACK.json', import.meta.url)));
  const pack = { ...committed, lexicon: lexicon ?? committed.lexicon };
  const engines = new Map([
    ['moonshine-base', await inProcess('moonshine-base', moonshine)],
    ['silero-v6', await inProcess('silero-v6', silero)],
  ]);
  const engine = <Q, C>(id: string) => engines.get(id) as EngineProcess<Q, C> | undefined;
  const pool = {
    pack,
    get: engine,
    underLock: async () => undefined,
    demand: async <Q, C>(id: string) => engine<Q, C>(id) ?? Promise.reject(new Error(`no ${id} here`)),
    shadowsStandIn: false,
    facts: () => [...engines.keys()].map((id): ModelFact => ({ id, tier: '', role: '', state: 'loaded' })),
  };
  const quiet = () => undefined;
  const guard = {
    current: () => ({ mode: 'normal', substitutions: {} }) as unknown as LockState,
    onChange: () => quiet,
    alarm: quiet,
  };
  const platform = {
    service: 'asr' as const,
    guard,
    instance: 'asr-1',
    region: 'local',
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    clock: manualClock(),
    bus: { publishEvent: quiet },
    trail: { record: quiet },
    metrics: createMetrics('asr', { process: false }),
  };
  const service = new Transcription(new Recogniser(platform, pool), 600);
  const settings = { tier: '', partials: false, endAtPause: false };
  return async (pcm) => (await service.whole({ settings, pcm: Buffer.from(pcm) }, CALL)).transcript?.text ?? '';
}

async function inProcess<Q, C>(modelId: string, module: EngineModule<Q, C>): Promise<unknown> {
  const { artifacts, settings } = await modelOfPack(modelId);
  const loaded = await module.load(artifacts, settings);
  const run = (request: Q, signal: AbortSignal) => loaded.run(request, signal);
  return { modelId, engine: 'in-process', artifactDigests: [], lockDigest: '', queued: 0, run };
}
