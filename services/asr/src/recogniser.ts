import { type Call, type EngineProcess, type ModelPool, type Platform, servedBy } from '@smartlite/chassis';
import { MeshError, type ServedBy } from '@smartlite/contracts';
import { firstThatAnswers, type Leg, obstacles, route, type RouteConditions } from '@smartlite/resilience';
import type { Pack } from '@smartlite/trust';
import type { Ears, Heard } from './ears.ts';
import type { Detection, DetectionRequest, Recognition, RecognitionRequest } from './engine.ts';
import { type Tier, tierOf } from './tiers.ts';

/** When a caller that came before the models were loaded may try again. */
const RETRY_AFTER_MS = 1000;
/** Partial transcripts are skipped while so much work waits for their model: final ones must not queue behind them. */
const GLIMPSES_WAITING_MAX = 1;

type RecognitionEngine = EngineProcess<RecognitionRequest, Recognition>;
type DetectionEngine = EngineProcess<DetectionRequest, Detection>;

/** Chooses the models of a call by its tier and the lock state, and asks them. */
export class Recogniser {
  readonly #platform: Pick<Platform, 'guard' | 'instance' | 'region' | 'log'>;
  readonly #pool: Pick<ModelPool, 'pack' | 'get' | 'demand' | 'facts'>;

  constructor(
    platform: Pick<Platform, 'guard' | 'instance' | 'region' | 'log'>,
    pool: Pick<ModelPool, 'pack' | 'get' | 'demand' | 'facts'>,
  ) {
    this.#platform = platform;
    this.#pool = pool;
  }

  /** The models for one call. Throws `invalid-argument` for a tier that is not there, `unavailable` when none of its models can be asked. */
  earsFor(askedTier: string, call: Call): Ears<ServedBy> {
    const pack = this.#pack();
    const tier = tierOf(pack, askedTier);
    this.#legs(tier);
    return {
      detect: (request, signal) => this.#detect(pack, request, signal),
      recognise: (pcm, signal) => this.#recognise(tier, { pcm }, call, signal),
      glimpse: (pcm, signal) => this.#glimpse(pack, { pcm }, signal),
    };
  }

  /** Who to name for audio without speech: the detector alone has listened to it. */
  silenceServedBy(askedTier: string, call: Call): ServedBy | undefined {
    const pack = this.#pack();
    const detector = this.#pool.get<never, unknown>(pack.asr_pack.vad);
    if (detector === undefined) return undefined;
    const leg = { role: 'detector', because: 'no speech in the audio, so no recogniser was asked' };
    return servedBy(detector, leg, tierOf(pack, askedTier).name, this.#platform, call);
  }

  /** Why nothing can be served although the mode permits it; undefined when the default tier can. */
  notReady(): string | undefined {
    const pack = this.#pool.pack;
    if (pack === undefined) return 'the models are not verified yet';
    if (this.#pool.get(pack.asr_pack.vad) === undefined) return `the voice detector ${pack.asr_pack.vad} is not loaded`;
    const { candidates } = tierOf(pack, '');
    const conditions = this.#conditions(candidates);
    const [first] = route('', candidates, conditions);
    if (first === undefined) return obstacles(candidates, conditions);
    return this.#stateOf(first.model) === 'loading' ? `${first.model} is loading` : undefined;
  }

  #pack(): Pack {
    const { pack } = this.#pool;
    if (pack === undefined)
      throw new MeshError('unavailable', 'the models are not verified yet', { retryAfterMs: RETRY_AFTER_MS });
    return pack;
  }

  async #detect(pack: Pack, request: DetectionRequest, signal: AbortSignal): Promise<Detection> {
    const engine: DetectionEngine = await this.#pool.demand(pack.asr_pack.vad, signal);
    return await onlyAnswer(engine.run(request, signal));
  }

  async #recognise(tier: Tier, request: RecognitionRequest, call: Call, signal: AbortSignal): Promise<Heard<ServedBy>> {
    const passedOver: string[] = [];
    const answers = firstThatAnswers(
      this.#legs(tier),
      (leg) => this.#ask(leg, tier, request, call, signal, passedOver),
      (leg, failure) => {
        passedOver.push(`${leg.model} failed: ${failure.message}`);
        this.#platform.log.warn('model passed over', { model: leg.model, code: failure.code });
      },
    );
    return await onlyAnswer(answers);
  }

  async *#ask(
    leg: Leg,
    tier: Tier,
    request: RecognitionRequest,
    call: Call,
    signal: AbortSignal,
    passedOver: readonly string[],
  ): AsyncIterable<Heard<ServedBy>> {
    const engine: RecognitionEngine = await this.#pool.demand(leg.model, signal);
    const because = [leg.because, ...passedOver].join('; ');
    for await (const recognition of engine.run(request, signal)) {
      yield { ...recognition, by: servedBy(engine, { role: leg.role, because }, tier.name, this.#platform, call) };
    }
  }

  async #glimpse(pack: Pack, request: RecognitionRequest, signal: AbortSignal): Promise<string | undefined> {
    const engine: RecognitionEngine | undefined = this.#pool.get(pack.asr_pack.partials);
    if (engine === undefined || engine.queued > GLIMPSES_WAITING_MAX) return undefined;
    return (await onlyAnswer(engine.run(request, signal))).text;
  }

  #legs({ name, candidates }: Tier): readonly Leg[] {
    const conditions = this.#conditions(candidates);
    const legs = route(name, candidates, conditions);
    if (legs.length > 0) return legs;
    throw new MeshError('unavailable', `tier ${name}: ${obstacles(candidates, conditions)}`, { retryAfterMs: RETRY_AFTER_MS });
  }

  /** One that is being loaded is waited for; a fallback is loaded when it is asked; the rest is asked only while it is loaded. */
  #conditions(candidates: Tier['candidates']): RouteConditions {
    const { mode, substitutions } = this.#platform.guard.current();
    const unusable = (model: string): string | undefined => {
      const state = this.#stateOf(model);
      const isFallback = candidates.some((candidate) => candidate.model === model && candidate.role === 'fallback');
      const askable = state === 'loaded' || state === 'loading' || (isFallback && state === 'unloaded');
      return askable ? undefined : `is ${state}`;
    };
    return { fallbacksOnly: mode === 'safe', substitutions, unusable };
  }

  #stateOf(model: string): string {
    return this.#pool.facts().find(({ id }) => id === model)?.state ?? 'not in the pack';
  }
}

async function onlyAnswer<T>(answers: AsyncIterable<T>): Promise<T> {
  for await (const answer of answers) return answer;
  throw new MeshError('internal', 'the engine gave no answer');
}
