import type { Call, EngineProcess, LockState, ModelFact } from '@smartlite/chassis';
import { MeshError, type SynthesizeRequest, type SynthesizeResponse } from '@smartlite/contracts';
import { createMetrics } from '@smartlite/chassis/parts';
import type { Pack } from '@smartlite/trust';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SpeechChunk, SpeechRequest } from './engine.ts';
import { Synthesis } from './synthesis.ts';
import { wantedModels } from './voices.ts';

const PACK = {
  tts_pack: {
    roles: { tacotron2: { role: 'fallback', model: 'robot' }, vits_multilingual: { role: 'primary', model: 'singer' } },
  },
  latency_profile: { tts: { target_ms: 300, p99_ms: 900 } },
  lexicon: { pronunciations: [{ term: 'Qdrant', ipa: 'ˈkwɑdɹənt' }], domain_terms: [] },
  models: [
    { id: 'singer', artifacts: ['singer-voice'], settings: { voice: 'anna', voices: ['anna', 'ben'] } },
    { id: 'robot', artifacts: ['robot-voice'], settings: { voice: 'metal', voices: ['metal'] } },
  ],
} as unknown as Pack;

/** The same with a shadow that gets a copy of each text and may stand in after one good one. */
const SHADOWED = {
  ...PACK,
  tts_pack: { roles: { ...PACK.tts_pack.roles, understudy: { role: 'shadow', model: 'double' } } },
  models: [...PACK.models, { id: 'double', artifacts: ['double-voice'], settings: { voice: 'dora', voices: ['dora'] } }],
  shadow_policy: { share: 1, window_s: 60, samples_min: 1, disagreement_max: 0.3 },
} as unknown as Pack;

const VOICE_OF_ROBOT = 'fallback of tier tts, voice metal';
const CALL: Call = {
  signal: new AbortController().signal,
  deadlineUnixMs: Number.POSITIVE_INFINITY,
  requestId: 'request-1',
  traceId: '0'.repeat(32),
  caller: { user: 'u', tenant: 't', regions: [], operator: false },
  statusOrder: '1.1.1.1',
};

class Rig {
  mode: LockState['mode'] = 'normal';
  states: Record<string, ModelFact['state']> = { singer: 'loaded', robot: 'unloaded', double: 'loaded' };
  substitutions: LockState['substitutions'] = {};
  /** Chunks that the primary makes of a text, and those that the shadow makes. */
  chunksOfSinger = 3;
  chunksOfDouble = 3;
  readonly metrics = createMetrics('tts', { process: false });
  /** Chunks before the engine dies; undefined: it lives. */
  diesAfter: number | undefined;
  /** Chunks before the engine falls silent; undefined: it never does. */
  stallsAfter: number | undefined;
  /** What the primary says instead of audio. */
  garbage: unknown;
  killed: string[] = [];
  asked: SpeechRequest[] = [];
  readonly synthesis: Synthesis;

  constructor(pack: Pack = PACK) {
    const quiet = () => undefined;
    const guard = {
      current: () => ({ mode: this.mode, substitutions: this.substitutions }) as unknown as LockState,
      onChange: () => quiet,
      alarm: quiet,
    };
    const engine = <Q, C>(id: string) => this.#engine(id) as unknown as EngineProcess<Q, C>;
    this.synthesis = new Synthesis(
      {
        service: 'tts',
        guard,
        instance: 'tts-1',
        region: 'local',
        log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
        clock: { nowMs: () => Date.now(), monotonicMs: () => Date.now() },
        bus: { publishEvent: quiet },
        trail: { record: quiet },
        metrics: this.metrics,
      },
      {
        pack,
        shadowsStandIn: true,
        get: engine,
        underLock: async () => undefined,
        demand: async <Q, C>(id: string) => engine<Q, C>(id),
        facts: () => wantedModels(pack).map(({ id, tier, role }) => ({ id, tier, role, state: this.states[id] ?? 'unloaded' })),
      },
    );
  }

  speak(request: Partial<SynthesizeRequest>): Promise<SynthesizeResponse[]> {
    return gathered(this.synthesis.speak({ text: 'Hello there.', voice: '', rate: 0, ...request }, CALL));
  }

  #engine(modelId: string) {
    const run = (request: SpeechRequest, _signal: AbortSignal, begun?: () => void) => {
      begun?.();
      return this.#chunks(modelId, request);
    };
    const kill = () => this.killed.push(modelId);
    return { modelId, engine: 'scripted', artifactDigests: [`sha256:${modelId}`], lockDigest: 'sha256:lock', run, kill };
  }

  async *#chunks(modelId: string, request: SpeechRequest): AsyncIterable<SpeechChunk> {
    this.asked.push(request);
    const counts: Readonly<Record<string, number>> = { singer: this.chunksOfSinger, double: this.chunksOfDouble };
    for (let made = 0; made < (counts[modelId] ?? 3); made++) {
      if (modelId === 'singer' && made === this.diesAfter) throw new MeshError('unavailable', 'the engine process has ended');
      if (modelId === 'singer' && made === this.stallsAfter) await new Promise<never>(() => undefined);
      yield modelId === 'singer' && this.garbage !== undefined
        ? (this.garbage as SpeechChunk)
        : { pcm: new Uint8Array(3200), rateHz: 16_000 };
    }
  }
}

async function gathered<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function doneOf(responses: readonly SynthesizeResponse[]) {
  const last = responses.at(-1)?.kind;
  return last?.$case === 'done' ? last.value : undefined;
}

describe('a text that is spoken', () => {
  it('comes as frames with their rate, then what was done and who did it', async () => {
    const responses = await new Rig().speak({ text: 'Hello, café.' });
    expect(responses.slice(0, 3)).toEqual(
      Array.from({ length: 3 }, () => ({ kind: { $case: 'frame', value: { pcm: Buffer.alloc(3200), rateHz: 16_000 } } })),
    );
    expect(doneOf(responses)).toEqual({
      characters: 12,
      audioMs: 300,
      servedBy: {
        model: 'singer',
        tier: 'vits_multilingual',
        role: 'primary',
        engine: 'scripted',
        because: 'primary of tier tts',
        instance: 'tts-1',
        region: 'local',
        artifactDigests: ['sha256:singer'],
        lockDigest: 'sha256:lock',
        statusOrder: '1.1.1.1',
      },
    });
  });

  it('goes to the engine with the sounds of the lexicon’s terms', async () => {
    const rig = new Rig();
    await rig.speak({ text: 'Ask Qdrant.' });
    const [term] = rig.asked[0]?.pronounced ?? [];
    expect([term?.from, term?.to, term?.phonemes.map(({ sound }) => sound).join('')]).toEqual([4, 10, 'kwɑdɹənt']);
  });

  it('is in the voice and at the rate asked for, else in the usual ones', async () => {
    const rig = new Rig();
    await rig.speak({ voice: 'ben', rate: 1.5 });
    await rig.speak({});
    expect(rig.asked).toEqual([
      { text: 'Hello there.', voice: 'ben', rate: 1.5, pronounced: [] },
      { text: 'Hello there.', voice: 'anna', rate: 1, pronounced: [] },
    ]);
  });

  it('is spoken by the model that has the voice asked for, also where that is the fallback', async () => {
    const rig = new Rig();
    expect(doneOf(await rig.speak({ voice: 'metal' }))?.servedBy).toMatchObject({ model: 'robot', because: VOICE_OF_ROBOT });
    expect(rig.asked.map(({ voice }) => voice)).toEqual(['metal']);
  });

  it('is spoken in another voice where the model of the one asked for cannot be had, and the reply says so', async () => {
    const rig = new Rig();
    rig.states = { singer: 'loaded', robot: 'refused' };
    const by = doneOf(await rig.speak({ voice: 'metal' }))?.servedBy;
    expect(by).toMatchObject({ model: 'singer', because: expect.stringContaining('robot is refused') });
    expect(by?.because).toContain('it has no voice metal and spoke in its own, anna');
    expect(rig.asked.map(({ voice }) => voice)).toEqual(['anna']);
  });

  it('is refused in a voice that is not there, at a rate out of bounds, and when it has no words', async () => {
    const rig = new Rig();
    await expect(rig.speak({ voice: 'zoe' })).rejects.toMatchObject({
      code: 'invalid-argument',
      message: 'voice: there is no voice "zoe"; give one of anna, ben, metal',
    });
    for (const rate of [0.4, 2.1, Number.NaN, -1])
      await expect(rig.speak({ rate })).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(rig.speak({ text: '...' })).rejects.toMatchObject({ code: 'invalid-argument' });
    expect(rig.asked).toEqual([]);
  });
});

describe('when the primary fails', () => {
  it('before its first frame, the fallback speaks in its own voice and says why', async () => {
    const rig = new Rig();
    rig.diesAfter = 0;
    const done = doneOf(await rig.speak({ voice: 'ben' }));
    expect(done?.servedBy).toMatchObject({ model: 'robot', tier: 'tacotron2', role: 'fallback' });
    expect(done?.servedBy?.because).toContain('singer failed: the engine process has ended');
    expect(done?.servedBy?.because).toContain('it has no voice ben and spoke in its own, metal');
    expect(rig.asked.at(-1)?.voice).toBe('metal');
  });

  it('after its first frame, the fallback goes on where it stopped: nobody hears two beginnings', async () => {
    const rig = new Rig();
    rig.diesAfter = 1;
    const responses = await rig.speak({});
    expect(responses.filter(({ kind }) => kind?.$case === 'frame')).toHaveLength(3);
    expect(doneOf(responses)).toMatchObject({ audioMs: 300, servedBy: { model: 'robot' } });
  });

  it('to come to an end, it is stopped when no voice could take so long, and the text is at its end', async () => {
    const rig = new Rig();
    rig.chunksOfSinger = Number.POSITIVE_INFINITY;
    const done = doneOf(await rig.speak({}));
    expect(done?.servedBy?.because).toContain('singer failed: the engine does not come to an end');
    expect(done?.audioMs).toBeLessThan(25_000);
  });

  it('with something that is no audio, the fallback speaks', async () => {
    for (const chunk of ['audio', { pcm: new Uint8Array(3), rateHz: 16_000 }, { pcm: new Uint8Array(2), rateHz: 1 }]) {
      const rig = new Rig();
      rig.garbage = chunk;
      expect(doneOf(await rig.speak({}))).toMatchObject({ audioMs: 300, servedBy: { model: 'robot' } });
    }
  });

  it('because its bytes were refused, the fallback is asked at once', async () => {
    const rig = new Rig();
    rig.states = { singer: 'refused', robot: 'unloaded' };
    expect(doneOf(await rig.speak({}))?.servedBy?.because).toContain('singer is refused');
  });

  it('and the fallback is refused, too, the call is unavailable with both reasons', async () => {
    const rig = new Rig();
    rig.states = { singer: 'missing', robot: 'refused' };
    await expect(rig.speak({})).rejects.toMatchObject({ code: 'unavailable', message: 'singer is missing; robot is refused' });
    expect(rig.synthesis.notReady()).toBe('singer is missing; robot is refused');
  });
});

describe('the meter of the models’ time', () => {
  it('tells answers from work that was lost and from copies', async () => {
    const rig = new Rig(SHADOWED);
    await rig.speak({});
    rig.diesAfter = 1;
    await rig.speak({});
    const spent = async () =>
      (await rig.metrics.text()).matchAll(/^smartlite_model_seconds_total\{model="(\w+)",spent_on="(\w+)"/gm);
    const lines = async () => [...(await spent())].map(([, model, on]) => `${model} ${on}`).toSorted();
    await vi.waitFor(async () => expect(await lines()).toEqual(['double copy', 'robot answer', 'singer answer', 'singer lost']));
    expect(await rig.metrics.text()).toMatch(/smartlite_model_first_result_seconds_count\{.*model="singer"\} 2/);
  });
});

describe('when the primary stalls after its first frame', () => {
  // Time is virtual.
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('the fallback goes on where it stopped, once the time that the stage allows is over', async () => {
    const rig = new Rig();
    rig.stallsAfter = 1;
    const speech = rig.speak({});
    await vi.advanceTimersByTimeAsync(900);
    const responses = await speech;
    expect(doneOf(responses)).toMatchObject({ audioMs: 300, servedBy: { model: 'robot' } });
    expect(doneOf(responses)?.servedBy?.because).toContain('singer failed: no sign of life for 900 ms');
  });

  it('its process is ended when it goes on being silent, and the fallback is asked at once', async () => {
    const rig = new Rig();
    rig.stallsAfter = 1;
    const speech = rig.speak({});
    await vi.advanceTimersByTimeAsync(10_000);
    await speech;
    expect(rig.killed).toEqual(['singer']);
    expect(doneOf(await rig.speak({}))?.servedBy?.because).toContain('passed over: singer has an open breaker');
  });
});

describe('while the primary is being loaded', () => {
  it('the service is not ready, and a call that comes all the same waits for it', async () => {
    const rig = new Rig();
    rig.states = { singer: 'loading', robot: 'unloaded' };
    expect(rig.synthesis.notReady()).toBe('singer is loading');
    expect(doneOf(await rig.speak({}))?.servedBy?.model).toBe('singer');
  });
});

describe('in safe mode', () => {
  it('a diagnostic call is spoken by the fallback alone', async () => {
    const rig = new Rig();
    rig.mode = 'safe';
    expect(doneOf(await rig.speak({}))?.servedBy?.model).toBe('robot');
  });
});

describe('a shadow of the primary', () => {
  /** A text, and what the shadow's copy of it came to. */
  async function spokenAndCopied(rig: Rig): Promise<string | undefined> {
    const done = doneOf(await rig.speak({}));
    await vi.waitFor(async () => expect(await rig.metrics.text()).toMatch(/shadow\w*\{.*double/));
    return done?.servedBy?.model;
  }

  it('gets a copy in its own voice, and the listener hears the primary alone', async () => {
    const rig = new Rig(SHADOWED);
    expect(await spokenAndCopied(rig)).toBe('singer');
    expect(rig.asked.map(({ voice }) => voice)).toEqual(['anna', 'dora']);
  });

  it('that spoke as long as the primary takes over from one that cannot be asked', async () => {
    const rig = new Rig(SHADOWED);
    await spokenAndCopied(rig);
    rig.states = { ...rig.states, singer: 'refused' };
    expect(doneOf(await rig.speak({}))?.servedBy).toMatchObject({ model: 'double', role: 'shadow', tier: 'understudy' });
  });

  it('that spoke half as long does not', async () => {
    const rig = new Rig(SHADOWED);
    rig.chunksOfDouble = 1;
    await spokenAndCopied(rig);
    rig.states = { ...rig.states, singer: 'refused' };
    expect(doneOf(await rig.speak({}))?.servedBy?.model).toBe('robot');
  });

  it('takes over from a missing primary where the lock status puts it in its place', async () => {
    const rig = new Rig(SHADOWED);
    rig.states = { ...rig.states, singer: 'missing' };
    rig.substitutions = { singer: 'double' };
    expect(doneOf(await rig.speak({ voice: 'anna' }))?.servedBy).toMatchObject({ model: 'double', role: 'shadow' });
  });

  it('cannot be chosen by its voice', async () => {
    await expect(new Rig(SHADOWED).speak({ voice: 'dora' })).rejects.toThrow('give one of anna, ben, metal');
  });
});
