import { type Call, type EngineProcess, type ModelFact, type ModelPool, type Platform, servedBy } from '@smartlite/chassis';
import { MeshError, type ServedBy, type SynthesizeRequest, type SynthesizeResponse } from '@smartlite/contracts';
import { firstThatAnswers, type Leg, obstacles, route, type RouteConditions } from '@smartlite/resilience';
import type { SpeechChunk, SpeechRequest } from './engine.ts';
import { speakable } from './speakable.ts';
import { requireVoice, type Speaker, speakersOf, voiceOf } from './voices.ts';

/** When a caller that came before the models were loaded may try again. */
const RETRY_AFTER_MS = 1000;
/** What the route calls the one choice that this service makes. */
const TIER = 'tts';
const RATE_MIN = 0.5;
const RATE_MAX = 2;
const SAMPLE_BYTES = 2;

type Engine = EngineProcess<SpeechRequest, SpeechChunk>;
type Pool = Pick<ModelPool, 'pack' | 'get' | 'demand' | 'facts'>;

/** The one call of TtsService: chooses the speaker, streams its audio, says who spoke. */
export class Synthesis {
  readonly #platform: Pick<Platform, 'guard' | 'instance' | 'region' | 'log'>;
  readonly #pool: Pool;
  #inflight = 0;

  constructor(platform: Pick<Platform, 'guard' | 'instance' | 'region' | 'log'>, pool: Pool) {
    this.#platform = platform;
    this.#pool = pool;
  }

  /** Texts that are being spoken. */
  get inflight(): number {
    return this.#inflight;
  }

  /** Frames as they are made, then what was done. The fallback speaks when the primary fails before its first frame. */
  async *speak({ text, voice, rate }: SynthesizeRequest, call: Call): AsyncGenerator<SynthesizeResponse> {
    const request = { text: speakable(text), rate: rateOf(rate) };
    const speakers = this.#speakers();
    requireVoice(speakers, voice);
    const passedOver: string[] = [];
    this.#inflight += 1;
    try {
      yield* firstThatAnswers(
        this.#legs(speakers),
        (leg) => this.#ask(leg, speakers, { ...request, voice }, Array.from(text).length, call, passedOver),
        (leg, failure) => {
          passedOver.push(`${leg.model} failed: ${failure.message}`);
          this.#platform.log.warn('model passed over', { model: leg.model, code: failure.code });
        },
      );
    } finally {
      this.#inflight -= 1;
    }
  }

  /** Why nothing can be served although the mode permits it; undefined when somebody can speak. */
  notReady(): string | undefined {
    if (this.#pool.pack === undefined) return 'the models are not verified yet';
    const speakers = speakersOf(this.#pool.pack);
    const conditions = this.#conditions();
    const [first] = route(TIER, speakers, conditions);
    if (first === undefined) return obstacles(speakers, conditions);
    return this.#factOf(first.model)?.state === 'loading' ? `${first.model} is loading` : undefined;
  }

  async *#ask(
    leg: Leg,
    speakers: readonly Speaker[],
    request: SpeechRequest,
    characters: number,
    call: Call,
    passedOver: readonly string[],
  ): AsyncIterable<SynthesizeResponse> {
    const speaker = speakers.find(({ model }) => model === leg.model);
    if (speaker === undefined) throw new MeshError('internal', `no speaker for model ${leg.model}`);
    const engine: Engine = await this.#pool.demand(leg.model, call.signal);
    let audioMs = 0;
    for await (const { pcm, rateHz } of engine.run({ ...request, voice: voiceOf(speaker, request.voice) }, call.signal)) {
      audioMs += (pcm.length / SAMPLE_BYTES / rateHz) * 1000;
      yield { kind: { $case: 'frame', value: { pcm: Buffer.from(pcm.buffer, pcm.byteOffset, pcm.length), rateHz } } };
    }
    const by = this.#servedBy(engine, { role: leg.role, because: [leg.because, ...passedOver].join('; ') }, speaker, call);
    yield { kind: { $case: 'done', value: { characters, audioMs: Math.round(audioMs), servedBy: by } } };
  }

  #servedBy(engine: Engine, leg: Pick<Leg, 'role' | 'because'>, { name }: Speaker, call: Call): ServedBy {
    return servedBy(engine, leg, name, this.#platform, call);
  }

  #speakers(): readonly Speaker[] {
    const { pack } = this.#pool;
    if (pack === undefined)
      throw new MeshError('unavailable', 'the models are not verified yet', { retryAfterMs: RETRY_AFTER_MS });
    return speakersOf(pack);
  }

  #legs(speakers: readonly Speaker[]): readonly Leg[] {
    const conditions = this.#conditions();
    const legs = route(TIER, speakers, conditions);
    if (legs.length > 0) return legs;
    throw new MeshError('unavailable', obstacles(speakers, conditions), { retryAfterMs: RETRY_AFTER_MS });
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
    return { fallbacksOnly: mode === 'safe', substitutions, unusable };
  }

  #factOf(model: string): ModelFact | undefined {
    return this.#pool.facts().find(({ id }) => id === model);
  }
}

function rateOf(rate: number): number {
  if (rate === 0) return 1;
  if (rate >= RATE_MIN && rate <= RATE_MAX) return rate;
  throw new MeshError('invalid-argument', `rate: give ${RATE_MIN} to ${RATE_MAX}, or 0 for the usual one`);
}
