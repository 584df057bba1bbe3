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
import { type GenerateRequest, type GenerateResponse, MeshError } from '@smartlite/contracts';
import {
  type Course,
  type Leg,
  type LegContext,
  Relay,
  type RelayPorts,
  type RouteConditions,
  SHADOW_POLICY,
  lengthDisagreement,
  within,
} from '@smartlite/resilience';
import type { Pack } from '@smartlite/trust';
import { type AnswerPiece, type Asking, chatAnswer, countTokens, type Done, PromptTooLong } from './answer.ts';
import { asReadBy, dialectOf, settingsOf } from './dialect.ts';
import { type LlmPiece, type LlmWork, parseLlmPiece } from './engine.ts';
import { nanoAnswer, type NanoRules } from './nano.ts';
import { nanoRules } from './nanorules.ts';
import { validate } from './question.ts';
import { saidFrom } from './said.ts';
import { type Tier, tierOf } from './tiers.ts';
import { toolAnswer } from './toolanswer.ts';

type Engine = EngineProcess<LlmWork, LlmPiece>;
type Parts = Platform & Pick<RelayPorts, 'hints'>;

/** What a leg is asked. */
interface Question {
  readonly tier: Tier;
  readonly pack: Pack;
  readonly request: GenerateRequest;
  readonly call: Call;
}

/** Whom an answer was last asked of, and whether any of it has left. */
interface Saying {
  asked: { readonly engine: Engine; readonly leg: Leg } | undefined;
  begun: boolean;
}

/** The end of an answer that its model left unfinished. */
type Cut = Omit<Done, 'reason'> & { readonly reason: 'cut' };

/** Failures of a model in the middle of its answer. */
const CUTTABLE: ReadonlySet<MeshError['code']> = new Set(['unavailable', 'internal']);

/** Chooses the models of a call, asks them, and says who answered. */
export class Desk {
  readonly #platform: Parts;
  readonly #pool: ModelPool;
  /** Rules are read from a model's own artifacts, once for each process that runs it. */
  readonly #rules = new WeakMap<Engine, Promise<NanoRules>>();

  readonly #relay: Relay;

  constructor(platform: Parts, pool: ModelPool) {
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

  /** Why nothing can be served although the mode permits it; undefined when the default tier's first model can be asked. */
  notReady(): string | undefined {
    const { pack } = this.#pool;
    if (pack === undefined) return 'the models are not verified yet';
    const loading = tierOf(pack, '').candidates.find(({ model }) =>
      this.#pool.facts().some(({ id, state }) => id === model && state === 'loading'),
    );
    return loading && `${loading.model} is loading`;
  }

  async *generate(request: GenerateRequest, call: Call): AsyncIterable<GenerateResponse> {
    validate(request);
    await this.#pool.underLock(call.signal);
    const pack = this.#pack();
    const tier = tierOf(pack, request.tier);
    const saying: Saying = { asked: undefined, begun: false };
    const answers = this.#relay.answer<Engine, GenerateResponse>({
      ...this.#errand(tier, pack, call),
      saidFrom: () => saidFrom(request.saidFrom),
      shadowing: { policy: pack.shadow_policy ?? SHADOW_POLICY, disagreement: differentLengths },
      ask: (engine, leg, context) => {
        if (!context.copy) saying.asked = { engine, leg: { ...leg, because: context.because } };
        return this.#askLeg(engine, leg, context, { tier, pack, request, call });
      },
    });
    try {
      for await (const response of answers) {
        saying.begun = true;
        yield traced(response);
      }
    } catch (caught) {
      yield traced(this.#cut(saying, caught, tier, call));
    }
  }

  /** The end of an answer that has been begun and whose model has failed: the caller ends it in words. Throws what cannot be ended so. */
  #cut({ asked, begun }: Saying, caught: unknown, tier: Tier, call: Call): GenerateResponse {
    if (!begun || asked === undefined || call.signal.aborted || !CUTTABLE.has(MeshError.from(caught).code)) throw caught;
    const done = { kind: 'done', reason: 'cut', promptTokens: 0, answerTokens: 0, tool: '', timers: [] } as const;
    return this.#message(done, asked.engine, asked.leg, tier, call);
  }

  /** Tokens of a prompt by the model that would be asked first. */
  async count(request: Pick<GenerateRequest, 'messages' | 'tier'>, call: Call) {
    validate(request);
    await this.#pool.underLock(call.signal);
    const pack = this.#pack();
    const tier = tierOf(pack, request.tier);
    const { messages } = request;
    const counts = this.#relay.answer<Engine, number>({
      ...this.#errand(tier, pack, call),
      aside: true,
      async *ask(engine, _leg, { signal, begun }) {
        const work = { kind: 'count-prompt' as const, messages: asReadBy(dialectOf(pack, engine.modelId), messages) };
        yield await countTokens((each) => piecesOf(engine, each, signal, begun), work);
      },
    });
    const promptTokens = await onlyResult(counts);
    return { promptTokens, answerTokensMax: tier.answerTokensMax, promptTokensMax: tier.promptTokensMax };
  }

  #errand(tier: Tier, pack: Pack, call: Call) {
    const engine = (leg: Leg, until: AbortSignal) => this.#engine(leg, until);
    const course = this.#courseFor(tier, pack, call);
    const due = dueMs(call, this.#platform.clock);
    return { course, signal: call.signal, dueMs: due, allowedMs: pack.latency_profile.llm.p99_ms, engine };
  }

  async *#askLeg(
    engine: Engine,
    leg: Leg,
    { signal, begun, because }: LegContext,
    { tier, pack, request, call }: Question,
  ): AsyncIterable<GenerateResponse> {
    const asking = askingOf((work) => piecesOf(engine, work, signal, begun), tier, request);
    try {
      for await (const piece of this.#answer(engine, asking, tier, pack, request))
        yield this.#message(piece, engine, { ...leg, because }, tier, call);
    } catch (caught) {
      if (caught instanceof PromptTooLong) throw new MeshError('invalid-argument', `messages: ${caught.message}`);
      throw caught;
    }
  }

  async *#answer(engine: Engine, asking: Asking, tier: Tier, pack: Pack, { facts }: GenerateRequest): AsyncIterable<AnswerPiece> {
    const dialect = dialectOf(pack, engine.modelId);
    if (dialect !== 'nano' && dialect !== 'tools') return yield* chatAnswer(asking);
    const session = facts ?? { timers: [], timeZone: '', lastAnswer: '', llmTokensLeft: undefined };
    const world = {
      nowMs: this.#platform.clock.nowMs(),
      chance: chanceOf(this.#platform),
      mode: this.#platform.guard.current().mode,
      tier: tier.servedAs,
      session,
    };
    if (dialect === 'tools') return yield* toolAnswer(asking, world);
    yield* nanoAnswer(asking, await this.#rulesOf(engine, pack), world);
  }

  #message(piece: AnswerPiece | Cut, engine: Engine, leg: Leg, tier: Tier, call: Call): GenerateResponse {
    if (piece.kind === 'text') return { kind: { $case: 'chunk', value: { text: piece.text, tokens: piece.tokens } } };
    const { promptTokens, answerTokens, reason: finishReason, tool, timers } = piece;
    const by = servedBy(engine, { ...leg, because: becauseOf(leg, tier) }, tier.name, this.#platform, call);
    return {
      kind: { $case: 'done', value: { promptTokens, answerTokens, finishReason, tool, timers: [...timers], servedBy: by } },
    };
  }

  #rulesOf(engine: Engine, pack: Pack): Promise<NanoRules> {
    const known =
      this.#rules.get(engine) ??
      nanoRules((work) => piecesOf(engine, work, this.#platform.stopping), settingsOf(pack, engine.modelId));
    this.#rules.set(engine, known);
    known.catch(() => this.#rules.delete(engine));
    return known;
  }

  #pack(): Pack {
    if (!this.#pool.pack) throw new MeshError('unavailable', 'the models are not verified yet', { retryAfterMs: 1_000 });
    return this.#pool.pack;
  }

  /** Fallbacks load when they are asked; the rest is asked only when it is loaded. */
  #course({ servedAs, candidates }: Tier): Course {
    const { mode, substitutions } = this.#platform.guard.current();
    const states = new Map(this.#pool.facts().map((fact) => [fact.id, fact]));
    const conditions: RouteConditions = {
      fallbacksOnly: mode === 'safe',
      substitutions,
      shadowsStandIn: this.#pool.shadowsStandIn,
      unusable: (model) => {
        const fact = states.get(model);
        if (!fact || fact.state === 'refused' || fact.state === 'missing') return `is ${fact?.state ?? 'not in the pack'}`;
        const onDemand = candidates.some((candidate) => candidate.model === model && candidate.role === 'fallback');
        return onDemand || this.#pool.get(model) ? undefined : `is ${fact.state}`;
      },
    };
    return this.#relay.course(servedAs, candidates, conditions, this.#pool.pack?.shadow_policy);
  }

  /** Models that run elsewhere are asked only where that may see the request. */
  #courseFor(tier: Tier, { models }: Pack, { caller }: Call): Course {
    const regionOf = (model: string) => models.find(({ id }) => id === model)?.region;
    const all = this.#course(tier);
    const course = within(all, caller.regions, regionOf);
    if (course.legs.length > 0) return course;
    const code = all.legs.length > 0 ? 'no-compliant-region' : 'unavailable';
    throw new MeshError(code, `tier ${tier.servedAs}: ${course.obstacles}`, { retryAfterMs: 1_000 });
  }

  #reroute(): void {
    const { pack } = this.#pool;
    for (const tier of Object.keys(pack?.llm_tiers.tiers ?? {})) if (pack) this.#course(tierOf(pack, tier));
  }

  async #engine(leg: Leg, signal: AbortSignal): Promise<Engine> {
    return this.#pool.get<LlmWork, LlmPiece>(leg.model) ?? (await this.#pool.demand<LlmWork, LlmPiece>(leg.model, signal));
  }
}

/** Says on the call's span who answered, at the answer's end. */
function traced(response: GenerateResponse): GenerateResponse {
  if (response.kind?.$case !== 'done') return response;
  const { servedBy: by, promptTokens: inputTokens, answerTokens: outputTokens, finishReason } = response.kind.value;
  traceServedBy(by, { operation: 'chat', inputTokens, outputTokens, finishReason });
  return response;
}

/** Two good answers may share no word; what can be told without reading them is how long they are. */
function differentLengths(said: readonly GenerateResponse[], copied: readonly GenerateResponse[]): number {
  const length = (all: readonly GenerateResponse[]) =>
    all.reduce((sum, { kind }) => sum + (kind?.$case === 'chunk' ? kind.value.text.length : 0), 0);
  return lengthDisagreement(length(said), length(copied));
}

async function* piecesOf(engine: Engine, work: LlmWork, signal: AbortSignal, begun?: () => void): AsyncIterable<LlmPiece> {
  for await (const piece of engine.run(work, signal, begun)) yield parseLlmPiece(piece);
}

async function onlyResult<T>(results: AsyncIterable<T>): Promise<T> {
  for await (const result of results) return result;
  throw new MeshError('internal', 'the engine gave no answer');
}

function askingOf(run: Asking['run'], tier: Tier, request: GenerateRequest): Asking {
  return {
    run,
    messages: request.messages,
    maxTokens: Math.min(request.maxTokens || tier.answerTokensMax, tier.answerTokensMax),
    temperature: request.temperature,
    seed: Number(BigInt.asUintN(32, request.seed)),
    timers: request.facts?.timers ?? [],
  };
}

function becauseOf({ because }: Leg, { name, servedAs }: Tier): string {
  return name === servedAs ? because : `${because}; tier ${name} is unbound in this pack and served by ${servedAs}`;
}

function chanceOf({ ids }: Platform): number {
  const [byte = 0, second = 0] = ids.bytes(2);
  return (byte * 256 + second) / 65_536;
}
