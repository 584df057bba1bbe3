import { readFile } from 'node:fs/promises';
import type { Call, EngineModule, EngineProcess, LockState, ModelFact } from '@smartlite/chassis';
import { createMetrics } from '@smartlite/chassis/parts';
import { manualClock } from '@smartlite/testkit';
import { parsePack } from '@smartlite/trust';
import { expect, it } from 'vitest';
import { engine as moonshine } from '../../services/asr/src/engines/moonshine.ts';
import { engine as silero } from '../../services/asr/src/engines/silero.ts';
import { Recogniser } from '../../services/asr/src/recogniser.ts';
import { Transcription } from '../../services/asr/src/transcription.ts';
import { modelOfPack } from './artifacts.ts';
import { clips } from './clips.ts';
import { wordErrors } from './words.ts';

/** What the default tier may get wrong in the six clips: it hears British "metres". */
const WRONG_WORDS_MAX = 1;

const CALL: Call = {
  signal: new AbortController().signal,
  deadlineUnixMs: Number.POSITIVE_INFINITY,
  requestId: 'request-1',
  traceId: '0'.repeat(32),
  caller: { user: 'u', tenant: 't', regions: [], operator: false },
  statusOrder: '1.1.1.1',
};

/** The service's own parts over real models, in this process. */
async function transcription(): Promise<Transcription> {
  const pack = parsePack(await readFile(new URL('../../ops/MODEL_PACK.json', import.meta.url)));
  const engines = new Map([
    ['moonshine-base', await inProcess('moonshine-base', moonshine)],
    ['silero-v6', await inProcess('silero-v6', silero)],
  ]);
  const engine = <Q, C>(id: string) => engines.get(id) as EngineProcess<Q, C> | undefined;
  const pool = {
    pack,
    get: engine,
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
  return new Transcription(new Recogniser(platform, pool), 600);
}

async function inProcess<Q, C>(modelId: string, module: EngineModule<Q, C>): Promise<unknown> {
  const { artifacts, settings } = await modelOfPack(modelId);
  const loaded = await module.load(artifacts, settings);
  const run = (request: Q, signal: AbortSignal) => loaded.run(request, signal);
  return { modelId, engine: 'in-process', artifactDigests: [], lockDigest: '', queued: 0, run };
}

it('the default tier gets at most one word of the six recorded clips wrong', async () => {
  const service = await transcription();
  let wrong = 0;
  for (const { transcript, pcm } of await clips()) {
    const answer = await service.whole(
      { settings: { tier: '', partials: false, endAtPause: false }, pcm: Buffer.from(pcm) },
      CALL,
    );
    wrong += wordErrors(transcript, answer.transcript?.text ?? '');
  }
  expect(wrong).toBeLessThanOrEqual(WRONG_WORDS_MAX);
});
