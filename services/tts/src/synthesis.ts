import {
  type Call,
  dueMs,
  type EngineProcess,
  type ModelFact,
  type ModelPool,
  type Platform,
  servedBy,
  traceServedBy,
} from '@smartlite/chassis';
import { MeshError, type SynthesizeRequest, type SynthesizeResponse } from '@smartlite/contracts';
import {
  type Course,
  type Leg,
  type LegContext,
  lengthDisagreement,
  Relay,
  type RelayPorts,
  type RouteConditions,
  SHADOW_POLICY,
  speechAllowedMs,
} from '@smartlite/resilience';
import type { Pack } from '@smartlite/trust';
import { parseSpeechChunk, type SpeechChunk, type SpeechRequest } from './engine.ts';
import { LexiconInForce } from './pronouncing.ts';
import { speakable } from './speakable.ts';
import { msOf, Spoken } from './spoken.ts';
import { requireVoice, type Speaker, speakersOf, voiceOf, whoHasItFirst } from './voices.ts';

/** When a caller that came before the models were loaded may try again. */
const RETRY_AFTER_MS = 1000;
/** What the route calls the one choice that this service makes. */
const TIER = 'tts';
const RATE_MIN = 0.5;
const RATE_MAX = 2;

/** Longer than any voice takes for a text, spelled and at the slowest rate; an engine that goes on after that has gone wrong. */
const SPEECH_MS = 5_000;
const SPEECH_MS_PER_CHARACTER = 1_500;
const SPEECH_MS_MAX = 120_000;

/** What one text is spoken with. */
interface Speech {
  readonly speakers: readonly Speaker[];
  readonly request: SpeechRequest;
  readonly characters: number;
  readonly call: Call;
  readonly spoken: Spoken;
}

type Engine = EngineProcess<SpeechRequest, SpeechChunk>;
type Pool = Pick<ModelPool, 'pack' | 'get' | 'demand' | 'facts' | 'shadowsStandIn' | 'underLock'>;
type Parts = Pick<Platform, 'guard' | 'instance' | 'region' | 'log' | 'clock'> & Omit<RelayPorts, 'log' | 'clock'>;

/** The one call of TtsService: chooses the speaker, streams its audio, says who spoke. */
export class Synthesis {
  readonly #platform: Parts;
  readonly #pool: Pool;
  readonly #relay: Relay;
  readonly #lexicon = new LexiconInForce();
  #inflight = 0;

  constructor(platform: Parts, pool: Pool) {
    this.#platform = platform;
    this.#pool = pool;
    this.#relay = new Relay(platform, () => this.#pool.pack && this.#course(speakersOf(this.#pool.pack)));
  }

  /** State of every model, with its breaker's. */
  facts(): readonly ModelFact[] {
    return this.#pool.facts().map((fact) => this.#relay.fact(fact));
  }

  close(): void {
    this.#relay.close();
  }

  /** Texts that are being spoken. */
  get inflight(): number {
    return this.#inflight;
  }

  /**
   * Frames as they are made, then what was done. Where a speaker fails or falls silent the next one speaks the text anew, and what has
   * been heard already is left out: the listener hears it once.
   */
  async *speak({ text, voice, rate }: SynthesizeRequest, call: Call): AsyncGenerator<SynthesizeResponse> {
    const plain = speakable(text);
    await this.#pool.underLock(call.signal);
    const pack = this.#pack();
    const request = { text: plain, rate: rateOf(rate), voice, pronounced: this.#lexicon.of(pack).find(plain) };
    const speakers = whoHasItFirst(speakersOf(pack), voice);
    requireVoice(speakers, voice);
    if (voice !== '') await this.#called(speakers[0]?.model ?? '', call.signal);
    const course = this.#courseFor(speakers, voice);
    const characters = Array.from(text).length;
    const spoken = new Spoken();
    this.#inflight += 1;
    try {
      yield* this.#relay.answer<Engine, SynthesizeResponse>({
        course,
        signal: call.signal,
        dueMs: dueMs(call, this.#platform.clock),
        allowedMs: speechAllowedMs(pack.latency_profile.tts, characters),
        resumes: true,
        shadowing: { policy: pack.shadow_policy ?? SHADOW_POLICY, compares: isDone, disagreement: differentLengths },
        engine: ({ model }, until) => this.#pool.demand(model, until),
        ask: (engine, leg, context) => this.#ask(engine, leg, context, { speakers, request, characters, call, spoken }),
      });
    } finally {
      this.#inflight -= 1;
    }
  }

  /** Why nothing can be served although the mode permits it; undefined when somebody can speak. */
  notReady(): string | undefined {
    if (this.#pool.pack === undefined) return 'the models are not verified yet';
    const { legs, obstacles } = this.#course(speakersOf(this.#pool.pack));
    const [first] = legs;
    if (first === undefined) return obstacles;
    return this.#factOf(first.model)?.state === 'loading' ? `${first.model} is loading` : undefined;
  }

  async *#ask(
    engine: Engine,
    { model, role }: Leg,
    { signal, begun, because, copy }: LegContext,
    { speakers, request, characters, call, spoken }: Speech,
  ): AsyncGenerator<SynthesizeResponse> {
    const speaker = speakers.find((each) => each.model === model);
    if (speaker === undefined) throw new MeshError('internal', `no speaker for model ${model}`);
    const mine = copy ? new Spoken() : spoken;
    const heard = mine.anew();
    const { voice, instead } = voiceOf(speaker, request.voice);
    let madeMs = 0;
    for await (const chunk of engine.run({ ...request, voice }, signal, begun)) {
      const made = parseSpeechChunk(chunk);
      madeMs += msOf(made);
      if (madeMs > speechMsMax(characters)) throw new MeshError('internal', 'the engine does not come to an end');
      const rest = heard.rest(made);
      if (rest !== undefined) yield { kind: { $case: 'frame', value: rest } };
    }
    if (madeMs === 0) throw new MeshError('internal', 'the engine gave no audio');
    const reasons = instead === undefined ? because : `${because}; ${instead}`;
    const by = servedBy(engine, { role, because: reasons }, speaker.name, this.#platform, call);
    if (!copy) traceServedBy(by, { operation: 'speech' });
    yield { kind: { $case: 'done', value: { characters, audioMs: Math.round(mine.ms), servedBy: by } } };
  }

  #pack(): Pack {
    const { pack } = this.#pool;
    if (pack !== undefined) return pack;
    throw new MeshError('unavailable', 'the models are not verified yet', { retryAfterMs: RETRY_AFTER_MS });
  }

  /** A voice that somebody names is waited for while its model is loaded: nobody else can speak in it. */
  async #called(model: string, signal: AbortSignal): Promise<void> {
    const state = this.#factOf(model)?.state;
    if (state !== 'loading' && state !== 'unloaded') return;
    // Where it cannot be had, the course says so, and who speaks instead.
    await this.#pool.demand(model, signal).catch(() => undefined);
  }

  #courseFor(speakers: readonly Speaker[], voice: string): Course {
    const course = this.#course(speakers, voice);
    if (course.legs.length > 0) return course;
    throw new MeshError('unavailable', course.obstacles, { retryAfterMs: RETRY_AFTER_MS });
  }

  /** Each voice has a route of its own, so that no change of a route is told where somebody only names another voice. */
  #course(speakers: readonly Speaker[], voice = ''): Course {
    const tier = voice === '' ? TIER : `${TIER}, voice ${voice}`;
    return this.#relay.course(tier, speakers, this.#conditions(), this.#pool.pack?.shadow_policy);
  }

  /** One that is being loaded is waited for; a fallback is loaded when it is asked; one that was refused or is missing cannot be asked. */
  #conditions(): RouteConditions {
    const { mode, substitutions } = this.#platform.guard.current();
    const unusable = (model: string): string | undefined => {
      const fact = this.#factOf(model);
      const askable =
        fact?.state === 'loaded' || fact?.state === 'loading' || (fact?.state === 'unloaded' && fact.role === 'fallback');
      return askable ? undefined : `is ${fact?.state ?? 'not in the pack'}`;
    };
    return { fallbacksOnly: mode === 'safe', substitutions, shadowsStandIn: this.#pool.shadowsStandIn, unusable };
  }

  #factOf(model: string): ModelFact | undefined {
    return this.#pool.facts().find(({ id }) => id === model);
  }
}

function speechMsMax(characters: number): number {
  return Math.min(SPEECH_MS_MAX, SPEECH_MS + characters * SPEECH_MS_PER_CHARACTER);
}

function isDone({ kind }: SynthesizeResponse): boolean {
  return kind?.$case === 'done';
}

/** Two voices make no two equal waves; what can be told without hearing them is how long they speak. */
function differentLengths(said: readonly SynthesizeResponse[], copied: readonly SynthesizeResponse[]): number {
  const lengthMs = (all: readonly SynthesizeResponse[]) =>
    all.reduce((sum, { kind }) => sum + (kind?.$case === 'done' ? kind.value.audioMs : 0), 0);
  return lengthDisagreement(lengthMs(said), lengthMs(copied));
}

function rateOf(rate: number): number {
  if (rate === 0) return 1;
  if (rate >= RATE_MIN && rate <= RATE_MAX) return rate;
  throw new MeshError('invalid-argument', `rate: give ${RATE_MIN} to ${RATE_MAX}, or 0 for the usual one`);
}
