import type { Call, EngineProcess, LockState, ModelFact } from '@smartlite/chassis';
import { createMetrics } from '@smartlite/chassis/parts';
import { type Events, MeshError, type StreamTranscribeRequest, type StreamTranscribeResponse } from '@smartlite/contracts';
import type { Pack } from '@smartlite/trust';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type DetectionRequest, FRAME_SAMPLES, type RecognitionRequest } from './engine.ts';
import { pcmOf, RATE_HZ, samplesOf } from './pcm.ts';
import { Recogniser } from './recogniser.ts';
import { Transcription } from './transcription.ts';

const PACK = {
  asr_pack: {
    default_tier: 'careful',
    vad: 'ear',
    partials: 'small',
    tiers: {
      careful: {
        device: 'cpu',
        p99_ms: 1_600,
        candidates: [
          { model: 'big', role: 'primary' },
          { model: 'small', role: 'shadow' },
          { model: 'spare', role: 'fallback' },
        ],
      },
      quick: { device: 'gpu', p99_ms: 500, candidates: [{ model: 'small', role: 'primary' }] },
    },
  },
  latency_profile: { asr: { target_ms: 800, p99_ms: 1_600 } },
  lexicon: { pronunciations: [{ term: 'Qdrant', ipa: 'ˈkwɑdɹənt' }], domain_terms: [] },
  models: [],
} as unknown as Pack;

const CALL: Call = {
  signal: new AbortController().signal,
  deadlineUnixMs: Number.POSITIVE_INFINITY,
  requestId: 'request-1',
  traceId: '0'.repeat(32),
  caller: { user: 'u', tenant: 't', regions: [], operator: false },
  statusOrder: '1.1.1.1',
};

/** Loud is speech, and every half second of it is one word. A model says its name first. */
async function* scripted(modelId: string, request: RecognitionRequest | DetectionRequest): AsyncIterable<unknown> {
  const samples = samplesOf(request.pcm);
  const loud = samples.filter((sample) => sample > 0).length;
  if (modelId !== 'ear')
    yield {
      text: [modelId, ...Array.from({ length: Math.floor(loud / (RATE_HZ / 2)) }, (_, index) => `w${index}`)].join(' '),
      confidence: 0.9,
      complete: true,
    };
  else
    yield {
      probabilities: Float32Array.from({ length: samples.length / FRAME_SAMPLES }, (_, frame) =>
        (samples[frame * FRAME_SAMPLES] ?? 0) > 0 ? 1 : 0,
      ),
      memory: { state: new Float32Array(1), context: new Float32Array(1) },
    };
}

class Rig {
  pack = PACK;
  mode: LockState['mode'] = 'normal';
  substitutions: Record<string, string> = {};
  loaded = new Set(['ear', 'big', 'small']);
  failing = new Set<string>();
  /** Models that begin their work and then say nothing. */
  silent = new Set<string>();
  /** Models that answer with this. */
  garbage = new Map<string, unknown>();
  killed: string[] = [];
  changes: { tier: string; from: string; to: string }[] = [];
  readonly shadowsStandIn: boolean;
  readonly transcription: Transcription;
  readonly recogniser: Recogniser;

  constructor({ shadowsStandIn = false } = {}) {
    this.shadowsStandIn = shadowsStandIn;
    const guard = {
      current: () => ({ mode: this.mode, substitutions: this.substitutions }) as LockState,
      onChange: () => () => undefined,
      alarm: () => undefined,
    };
    const quiet = () => undefined;
    const platform = {
      service: 'asr' as const,
      guard,
      instance: 'asr-1',
      region: 'local',
      log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      clock: { nowMs: () => Date.now(), monotonicMs: () => Date.now() },
      bus: {
        publishEvent: <T extends 'route.changed' | 'breaker.changed'>(_type: T, data: Events[T]) =>
          'tier' in data && this.changes.push({ tier: data.tier, from: data.from, to: data.to }),
      },
      trail: { record: quiet },
      metrics: createMetrics('asr', { process: false }),
    };
    const packOf = () => this.pack;
    const pool = {
      get pack() {
        return packOf();
      },
      shadowsStandIn: this.shadowsStandIn,
      get: <Q, C>(id: string) => (this.loaded.has(id) ? (this.#engine(id) as unknown as EngineProcess<Q, C>) : undefined),
      underLock: async () => undefined,
      demand: async <Q, C>(id: string) => this.#engine(id) as unknown as EngineProcess<Q, C>,
      facts: () =>
        ['ear', 'big', 'small', 'spare'].map(
          (id): ModelFact => ({ id, tier: '', role: '', state: this.loaded.has(id) ? 'loaded' : 'unloaded' }),
        ),
    };
    this.recogniser = new Recogniser(platform, pool);
    this.transcription = new Transcription(this.recogniser, 600);
  }

  whole() {
    return this.transcription.whole({ settings: settings(), pcm: SPOKEN }, CALL);
  }

  #engine(modelId: string) {
    const run = (request: RecognitionRequest, _signal: AbortSignal, begun?: () => void) => {
      begun?.();
      if (this.silent.has(modelId)) return silence();
      if (this.garbage.has(modelId)) return saying(this.garbage.get(modelId));
      return this.failing.has(modelId) ? failing() : scripted(modelId, request);
    };
    const kill = () => this.killed.push(modelId);
    return {
      modelId,
      engine: 'scripted',
      artifactDigests: [`sha256:${modelId}`],
      lockDigest: 'sha256:lock',
      queued: 0,
      run,
      kill,
    };
  }
}

/** The answer of an engine that hangs. */
async function* silence(): AsyncIterable<unknown> {
  yield await new Promise<never>(() => undefined);
}

async function* saying(answer: unknown): AsyncIterable<unknown> {
  if (answer !== undefined) yield answer;
}

/** The answer of an engine that has died. */
async function* failing(): AsyncIterable<unknown> {
  yield await Promise.reject(new MeshError('unavailable', 'the engine process has ended'));
}

function audio(seconds: number, loudness: number): Buffer {
  return Buffer.from(pcmOf(new Float32Array(Math.round(seconds * RATE_HZ)).fill(loudness)));
}

const SPOKEN = Buffer.concat([audio(0.5, 0), audio(1.5, 0.5), audio(0.5, 0)]);

function settings(tier = '', { partials = false, endAtPause = false } = {}) {
  return { tier, partials, endAtPause };
}

async function* messages(
  ...all: (StreamTranscribeRequest['kind'] | (() => Promise<void>))[]
): AsyncIterable<StreamTranscribeRequest> {
  for (const each of all) {
    if (typeof each === 'function') await each();
    else yield { kind: each };
  }
}

async function answersOf(stream: AsyncIterable<StreamTranscribeResponse>): Promise<StreamTranscribeResponse[]> {
  const answers: StreamTranscribeResponse[] = [];
  for await (const answer of stream) answers.push(answer);
  return answers;
}

describe('one utterance, whole', () => {
  it('is answered by the primary of the default tier, which says on which bytes and under which status', async () => {
    const answer = await new Rig().transcription.whole({ settings: settings(), pcm: SPOKEN }, CALL);
    expect(answer).toMatchObject({ speech: true, audioMs: 2500, transcript: { text: 'big w0 w1 w2' } });
    expect(answer.servedBy).toEqual({
      model: 'big',
      tier: 'careful',
      role: 'primary',
      engine: 'scripted',
      because: 'primary of tier careful',
      instance: 'asr-1',
      region: 'local',
      artifactDigests: ['sha256:big'],
      lockDigest: 'sha256:lock',
      statusOrder: '1.1.1.1',
    });
  });

  it('is answered by the tier that was asked for, and refused for one that is not there', async () => {
    const { transcription } = new Rig();
    expect((await transcription.whole({ settings: settings('quick'), pcm: SPOKEN }, CALL)).servedBy).toMatchObject({
      model: 'small',
      because: 'primary of tier quick; tier quick prefers a gpu and is served on cpu',
    });
    const refused = transcription.whole({ settings: settings('best'), pcm: SPOKEN }, CALL);
    await expect(refused).rejects.toMatchObject({
      code: 'invalid-argument',
      message: 'tier: there is no ASR tier "best"; give one of careful, quick',
    });
  });

  it('without speech has an empty transcript, and names the detector that listened', async () => {
    const answer = await new Rig().transcription.whole({ settings: settings(), pcm: audio(2, 0) }, CALL);
    expect(answer).toMatchObject({ speech: false, transcript: { text: '' }, servedBy: { model: 'ear', role: 'detector' } });
  });

  it('is refused without audio', async () => {
    await expect(new Rig().transcription.whole({ settings: settings(), pcm: Buffer.alloc(0) }, CALL)).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });
});

describe('when the primary has died', () => {
  it('the fallback answers, and says why', async () => {
    const rig = new Rig();
    rig.failing.add('big');
    const { servedBy } = await rig.transcription.whole({ settings: settings(), pcm: SPOKEN }, CALL);
    expect(servedBy).toMatchObject({ model: 'spare', role: 'fallback' });
    expect(servedBy?.because).toContain('big failed: the engine process has ended');
  });

  it('a tier without a fallback is unavailable', async () => {
    const rig = new Rig();
    rig.failing.add('small');
    const answer = rig.transcription.whole({ settings: settings('quick'), pcm: SPOKEN }, CALL);
    await expect(answer).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('when the primary is silent', () => {
  // Time is virtual.
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('the segment is heard anew by the next candidate, once the time that the stage allows is over', async () => {
    const rig = new Rig();
    rig.silent.add('big');
    let waiting = true;
    const answer = rig.whole().finally(() => (waiting = false));
    await vi.advanceTimersByTimeAsync(1_599);
    expect(waiting).toBe(true);
    await vi.advanceTimersByTimeAsync(1);
    const { transcript, servedBy } = await answer;
    expect(transcript?.text).toBe('spare w0 w1 w2');
    expect(servedBy?.because).toContain('big failed: no sign of life for 1600 ms');
  });

  it('nobody else waits for it until it has given a sign of life', async () => {
    const rig = new Rig();
    rig.silent.add('big');
    const first = rig.whole();
    await vi.advanceTimersByTimeAsync(1_600);
    await first;
    const { servedBy } = await rig.whole();
    expect(servedBy?.because).toBe('fallback of tier careful; passed over: big has an open breaker: it owes an answer');
  });

  it('its process is ended when it goes on being silent, its breaker opens, and the route is told', async () => {
    const rig = new Rig();
    await rig.whole();
    rig.silent.add('big');
    const answer = rig.whole();
    await vi.advanceTimersByTimeAsync(10_000);
    await answer;
    expect(rig.killed).toEqual(['big']);
    expect(rig.changes).toEqual([{ tier: 'careful', from: 'big', to: 'spare' }]);
    expect(rig.recogniser.facts().find(({ id }) => id === 'big')?.because).toContain('breaker open: its engine was silent');
    const { servedBy } = await rig.whole();
    expect(servedBy?.because).toContain('passed over: big has an open breaker');
  });

  it('callers are not used as probes: copies show that it is well again, and then it answers again', async () => {
    const rig = new Rig();
    rig.silent.add('big');
    const first = rig.whole();
    await vi.advanceTimersByTimeAsync(10_000);
    await first;
    rig.silent.clear();
    await vi.advanceTimersByTimeAsync(5_000);
    const models: (string | undefined)[] = [];
    for (let turn = 0; turn < 4; turn += 1) {
      models.push((await rig.whole()).servedBy?.model);
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(models).toEqual(['spare', 'spare', 'spare', 'big']);
    expect(rig.changes.at(-1)).toEqual({ tier: 'careful', from: 'spare', to: 'big' });
  });

  it('a shadow stands in where the policy of the lock lets it', async () => {
    const rig = new Rig({ shadowsStandIn: true });
    rig.silent.add('big');
    rig.silent.add('spare');
    const answer = rig.whole();
    await vi.advanceTimersByTimeAsync(3_200);
    const { servedBy } = await answer;
    expect(servedBy).toMatchObject({ model: 'small', role: 'shadow' });
    expect(servedBy?.because).toContain('not measured lately, but nobody else is left');
  });

  it('a shadow that was found good on copies stands in before the fallback; one that hears other words does not', async () => {
    for (const [disagreement_max, model] of [
      [0.5, 'small'],
      [0.1, 'spare'],
    ] as const) {
      const rig = new Rig({ shadowsStandIn: true });
      rig.pack = { ...PACK, shadow_policy: { share: 1, window_s: 60, samples_min: 3, disagreement_max } };
      for (let turn = 0; turn < 3; turn += 1) {
        expect((await rig.whole()).servedBy?.model).toBe('big');
        await vi.advanceTimersByTimeAsync(1);
      }
      rig.silent.add('big');
      const answer = rig.whole();
      await vi.advanceTimersByTimeAsync(1_600);
      // A word of four is the model's own name: they disagree by a quarter.
      expect((await answer).servedBy?.model).toBe(model);
    }
  });

  it('nobody is left for nobody: a tier with one model waits until it counts as hung', async () => {
    const rig = new Rig();
    rig.silent.add('small');
    const answer = rig.transcription.whole({ settings: settings('quick'), pcm: SPOKEN }, CALL);
    const refused = expect(answer).rejects.toMatchObject({ code: 'unavailable' });
    await vi.advanceTimersByTimeAsync(9_999);
    expect(rig.killed).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    await refused;
    expect(rig.killed).toEqual(['small']);
  });
});

describe('when the voice detector', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('hangs, the utterance is cut by its loudness and heard all the same, and the detector is ended', async () => {
    const rig = new Rig();
    rig.silent.add('ear');
    const answer = rig.whole();
    await vi.advanceTimersByTimeAsync(10_000);
    expect((await answer).transcript?.text).toBe('big w0 w1 w2');
    expect(rig.killed).toEqual(['ear']);
  });

  it('fails or talks nonsense, the utterance is heard all the same', async () => {
    for (const [fault, answer] of [
      ['fails', undefined],
      ['nonsense', { probabilities: 'loud' }],
      ['too few frames', { probabilities: new Float32Array(1) }],
    ] as const) {
      const rig = new Rig();
      if (fault === 'fails') rig.failing.add('ear');
      else rig.garbage.set('ear', answer);
      expect((await rig.whole()).transcript?.text, fault).toBe('big w0 w1 w2');
    }
  });
});

describe('when the primary answers with garbage', () => {
  it('the fallback answers', async () => {
    for (const answer of [undefined, 'text', { text: 7, confidence: 1, complete: true }, { text: 'x', confidence: Number.NaN }]) {
      const rig = new Rig();
      rig.garbage.set('big', answer);
      expect((await rig.whole()).transcript?.text).toBe('spare w0 w1 w2');
    }
  });

  it('its breaker opens after a few, and nobody asks it', async () => {
    const rig = new Rig();
    rig.garbage.set('big', 'text');
    for (let turn = 0; turn < 3; turn += 1) await rig.whole();
    expect((await rig.whole()).servedBy?.because).toContain('passed over: big has an open breaker: 3 of the last 3');
  });
});

describe('when the lock status puts a shadow in the place of a missing primary', () => {
  it('the shadow answers', async () => {
    const rig = new Rig();
    rig.loaded.delete('big');
    rig.substitutions = { big: 'small' };
    const { servedBy } = await rig.transcription.whole({ settings: settings(), pcm: SPOKEN }, CALL);
    expect(servedBy).toMatchObject({ model: 'small', role: 'shadow' });
    expect(servedBy?.because).toContain('big is unloaded');
  });
});

describe('in safe mode', () => {
  it('a diagnostic call is answered by a fallback alone', async () => {
    const rig = new Rig();
    rig.mode = 'safe';
    expect((await rig.transcription.whole({ settings: settings(), pcm: SPOKEN }, CALL)).servedBy?.model).toBe('spare');
  });
});

describe('one utterance while it is spoken', () => {
  it('gives a partial while its caller holds back the rest, then the final text', async () => {
    const heard = Promise.withResolvers<void>();
    const stream = new Rig().transcription.live(
      messages(
        { $case: 'settings', value: settings('', { partials: true }) },
        { $case: 'pcm', value: audio(2.5, 0.5) },
        () => heard.promise,
        { $case: 'pcm', value: audio(1, 0.5) },
      ),
      CALL,
    );
    const answers: StreamTranscribeResponse[] = [];
    for await (const answer of stream) {
      answers.push(answer);
      heard.resolve();
    }
    expect(answers[0]?.kind).toMatchObject({ $case: 'partial', value: { text: expect.stringContaining('small w0') } });
    expect(answers.at(-1)?.kind).toMatchObject({ $case: 'final', value: { transcript: { text: 'big w0 w1 w2 w3 w4 w5 w6' } } });
  });

  it('ends at the first pause when its caller asked for that, though the caller goes on sending', async () => {
    const never = new Promise<void>(() => undefined);
    const stream = messages(
      { $case: 'settings', value: settings('', { endAtPause: true }) },
      { $case: 'pcm', value: SPOKEN },
      { $case: 'pcm', value: audio(0.5, 0) },
      () => never,
    );
    expect(await answersOf(new Rig().transcription.live(stream, CALL))).toMatchObject([
      { kind: { $case: 'final', value: { speech: true } } },
    ]);
  });

  it('is refused when it does not begin with the settings', async () => {
    const stream = new Rig().transcription.live(messages({ $case: 'pcm', value: SPOKEN }), CALL);
    await expect(answersOf(stream)).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  it('is refused beyond a minute', async () => {
    const minute = { $case: 'pcm', value: audio(30, 0) } as const;
    const stream = new Rig().transcription.live(messages({ $case: 'settings', value: settings() }, minute, minute, minute), CALL);
    await expect(answersOf(stream)).rejects.toMatchObject({ code: 'payload-too-large' });
  });

  it('is forgotten when its caller leaves', async () => {
    const { transcription } = new Rig();
    const never = new Promise<void>(() => undefined);
    const stream = transcription.live(
      messages(
        { $case: 'settings', value: settings('', { partials: true }) },
        { $case: 'pcm', value: audio(3, 0.5) },
        () => never,
      ),
      CALL,
    );
    await stream.next();
    expect(transcription.inflight).toBe(1);
    await stream.return(undefined);
    expect(transcription.inflight).toBe(0);
  });

  it('ends with the call', async () => {
    const ending = new AbortController();
    const never = new Promise<void>(() => undefined);
    const stream = new Rig().transcription.live(
      messages({ $case: 'settings', value: settings() }, () => never),
      { ...CALL, signal: ending.signal },
    );
    const answers = answersOf(stream);
    ending.abort(new MeshError('safe-mode', 'the mesh is in safe mode'));
    await expect(answers).rejects.toMatchObject({ code: 'safe-mode' });
  });
});
