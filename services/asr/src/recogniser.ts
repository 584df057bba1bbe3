import {
  type Call,
  dueMs,
  type EngineProcess,
  type ModelFact,
  type ModelPool,
  type Platform,
  servedBy,
} from '@smartlite/chassis';
import { MeshError, type ServedBy } from '@smartlite/contracts';
import {
  type Course,
  recognitionAllowedMs,
  Relay,
  type RelayPorts,
  type RouteConditions,
  SHADOW_POLICY,
  wordErrorRate,
} from '@smartlite/resilience';
import type { Pack } from '@smartlite/trust';
import type { Ears, Heard } from './ears.ts';
import {
  type Comparison,
  type ComparisonRequest,
  type Detection,
  type DetectionRequest,
  parseComparison,
  parseDetection,
  parseRecognition,
  type Recognition,
  type RecognitionRequest,
} from './engine.ts';
import { SpellingInForce } from './lexicon/spelling.ts';
import { detectByLoudness } from './loudness.ts';
import { msOf, SAMPLE_BYTES } from './pcm.ts';
import { type Tier, tierOf } from './tiers.ts';

/** When a caller that came before the models were loaded may try again. */
const RETRY_AFTER_MS = 1000;
/** Partial transcripts are skipped while so much work waits for their model: final ones must not queue behind them. */
const GLIMPSES_WAITING_MAX = 1;
/** How long a final text waits for its recogniser to judge between its own words and terms that are like them: a third of a second, unless something is wrong. */
const COMPARING_MS_MAX = 5_000;

type RecognitionEngine = EngineProcess<RecognitionRequest, Recognition>;
type DetectionEngine = Pick<EngineProcess<DetectionRequest, Detection>, 'run' | 'kill'>;

type Parts = Pick<Platform, 'guard' | 'instance' | 'region' | 'log' | 'clock'> & Omit<RelayPorts, 'log' | 'clock'>;
type Pool = Pick<ModelPool, 'pack' | 'get' | 'demand' | 'facts' | 'shadowsStandIn' | 'underLock'>;

/** What the route calls the choice of who tells speech from silence. */
const DETECTOR = 'detector';
const LOUDNESS: DetectionEngine = {
  kill: () => undefined,
  async *run(request, _signal, begun) {
    begun?.();
    yield detectByLoudness(request);
  },
};

function detectorsOf(vad: string): Tier['candidates'] {
  return [
    { model: vad, role: 'primary' },
    { model: 'loudness', role: 'fallback' },
  ];
}

/** Chooses the models of a call by its tier, the lock state and how they have done lately, and asks them. */
export class Recogniser {
  readonly #platform: Parts;
  readonly #pool: Pool;
  readonly #relay: Relay;
  readonly #spelling = new SpellingInForce();

  constructor(platform: Parts, pool: Pool) {
    this.#platform = platform;
    this.#pool = pool;
    this.#relay = new Relay(platform, () => this.#reroute());
  }

  /** State of every model, with its breaker's. */
  facts(): readonly ModelFact[] {
    return this.#pool.facts().map((fact) => this.#relay.fact(fact));
  }

  close(): void {
    this.#relay.close();
  }

  /** The models for one call. Throws `invalid-argument` for a tier that is not there, `unavailable` when none of its models can be asked. */
  async earsFor(askedTier: string, call: Call): Promise<Ears<ServedBy>> {
    await this.#pool.underLock(call.signal);
    const pack = this.#pack();
    const tier = tierOf(pack, askedTier);
    this.#courseFor(tier);
    return {
      detect: (request, signal) => this.#detect(pack, request, signal),
      recognise: (pcm, signal) => this.#recognise(pack, tier, { pcm }, call, signal),
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
    const { legs, obstacles } = this.#course(tierOf(pack, ''));
    const [first] = legs;
    if (first === undefined) return obstacles;
    return this.#stateOf(first.model) === 'loading' ? `${first.model} is loading` : undefined;
  }

  #pack(): Pack {
    const { pack } = this.#pool;
    if (pack === undefined)
      throw new MeshError('unavailable', 'the models are not verified yet', { retryAfterMs: RETRY_AFTER_MS });
    return pack;
  }

  /** A detector that fails or falls silent is replaced by a look at the loudness, so that no utterance is lost with it. */
  async #detect(pack: Pack, request: DetectionRequest, signal: AbortSignal): Promise<Detection> {
    const { vad } = pack.asr_pack;
    const answers = this.#relay.answer<DetectionEngine, Detection>({
      course: this.#relay.course(DETECTOR, detectorsOf(vad), {
        fallbacksOnly: false,
        substitutions: {},
        unusable: () => undefined,
      }),
      signal,
      allowedMs: pack.latency_profile.asr.p99_ms,
      engine: ({ model }, until) => (model === vad ? this.#pool.demand(vad, until) : Promise.resolve(LOUDNESS)),
      async *ask(engine, _leg, { signal: until, begun }) {
        for await (const detection of engine.run(request, until, begun)) yield parseDetection(detection, request);
      },
    });
    return await onlyAnswer(answers);
  }

  /** The segment is held here: whoever takes over hears it from its beginning. Terms are written as the lexicon spells them. */
  async #recognise(
    pack: Pack,
    tier: Tier,
    request: RecognitionRequest,
    call: Call,
    signal: AbortSignal,
  ): Promise<Heard<ServedBy>> {
    const pool = this.#pool;
    const platform = this.#platform;
    const answers = this.#relay.answer<RecognitionEngine, Heard<ServedBy>>({
      course: this.#courseFor(tier),
      signal,
      dueMs: dueMs(call, platform.clock),
      allowedMs: recognitionAllowedMs(tier, msOf(request.pcm.length / SAMPLE_BYTES)),
      engine: ({ model }, until) => pool.demand(model, until),
      shadowing: { policy: pack.shadow_policy ?? SHADOW_POLICY, disagreement: differentWords },
      async *ask(engine, { role }, { signal: until, begun, because }) {
        const leg = { role, because: tier.deviceNote === '' ? because : `${because}; ${tier.deviceNote}` };
        for await (const recognition of engine.run(request, until, begun))
          yield { ...parseRecognition(recognition), by: servedBy(engine, leg, tier.name, platform, call) };
      },
    });
    const heard = await onlyAnswer(answers);
    const compare = (texts: readonly string[]) => this.#compare(heard.by.model, { ...request, texts }, signal);
    return { ...heard, text: await this.#spelling.of(pack).writeBy(heard, compare) };
  }

  /** By the model that has heard it. Nobody waits for this where it is busy, slow or gone: the text is whole without it. */
  async #compare(model: string, request: ComparisonRequest, signal: AbortSignal): Promise<readonly number[] | undefined> {
    const engine = this.#pool.get<ComparisonRequest, Comparison>(model);
    if (engine === undefined || engine.queued > 0) return undefined;
    const patience = AbortSignal.any([signal, AbortSignal.timeout(COMPARING_MS_MAX)]);
    try {
      return parseComparison(await onlyAnswer(engine.run(request, patience)), request).likelihoods;
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  }

  async #glimpse(pack: Pack, request: RecognitionRequest, signal: AbortSignal): Promise<string | undefined> {
    const engine: RecognitionEngine | undefined = this.#pool.get(pack.asr_pack.partials);
    if (engine === undefined || engine.queued > GLIMPSES_WAITING_MAX) return undefined;
    return parseRecognition(await onlyAnswer(engine.run(request, signal))).text;
  }

  #courseFor(tier: Tier): Course {
    const course = this.#course(tier);
    if (course.legs.length > 0) return course;
    throw new MeshError('unavailable', `tier ${tier.name}: ${course.obstacles}`, { retryAfterMs: RETRY_AFTER_MS });
  }

  #course({ name, candidates }: Tier): Course {
    return this.#relay.course(name, candidates, this.#conditions(candidates), this.#pool.pack?.shadow_policy);
  }

  #reroute(): void {
    const { pack } = this.#pool;
    for (const tier of Object.keys(pack?.asr_pack.tiers ?? {})) if (pack !== undefined) this.#course(tierOf(pack, tier));
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
    return { fallbacksOnly: mode === 'safe', substitutions, shadowsStandIn: this.#pool.shadowsStandIn, unusable };
  }

  #stateOf(model: string): string {
    return this.#pool.facts().find(({ id }) => id === model)?.state ?? 'not in the pack';
  }
}

/** The word error rate of the shadow against what the caller was told. Compared here and forgotten. */
function differentWords(heard: readonly Heard<ServedBy>[], copied: readonly Heard<ServedBy>[]): number {
  return wordErrorRate(heard[0]?.text ?? '', copied[0]?.text ?? '');
}

async function onlyAnswer<T>(answers: AsyncIterable<T>): Promise<T> {
  for await (const answer of answers) return answer;
  throw new MeshError('internal', 'the engine gave no answer');
}
