import { type Events, MeshError, type ServiceName } from '@smartlite/contracts';
import { Breaker, type BreakerState } from './breaker.ts';
import { type Course, courseOf } from './course.ts';
import { firstThatAnswers } from './fallback.ts';
import { Patience } from './patience.ts';
import type { Candidate, Leg, RouteConditions } from './route.ts';
import { type Watch, watched, type WorkContext } from './watch.ts';

/** What a relay needs of its service. */
export interface RelayPorts {
  readonly service: ServiceName;
  readonly clock: { monotonicMs(): number };
  readonly log: { warn(text: string, attributes?: Readonly<Record<string, unknown>>): void };
  readonly bus: { publishEvent(type: 'route.changed', data: Events['route.changed']): void };
  readonly trail: { record(kind: 'route.changed', facts: Readonly<Record<string, string>>): unknown };
  readonly metrics: {
    gauge(name: string, help: string, labels: readonly string[]): { set(labels: Record<string, string>, value: number): void };
    counter(name: string, help: string, labels: readonly string[]): { inc(labels: Record<string, string>): void };
  };
}

/** What asking one leg is given. */
export interface LegContext extends WorkContext {
  /** Why it is this one's turn. */
  readonly because: string;
  /** True for a copy whose results nobody hears. */
  readonly copy: boolean;
}

/** One request that the models of a course may answer. */
export interface Errand<Engine extends { kill(): void }, T> {
  readonly course: Course;
  readonly signal: AbortSignal;
  /** What the first result, and each gap, may take. */
  readonly allowedMs: number;
  /** `ask` leaves out what an earlier leg has already given, so that the next one may go on in the middle. */
  readonly resumes?: boolean;
  /** The leg's engine. Waiting for it says nothing about the model. */
  readonly engine: (leg: Leg, signal: AbortSignal) => Promise<Engine>;
  readonly ask: (engine: Engine, leg: Leg, context: LegContext) => AsyncIterable<T>;
}

/** How a leg is asked. */
interface Way {
  readonly passedOver: readonly string[];
  readonly signal: AbortSignal;
  readonly replaceable: Watch['replaceable'];
  readonly copy: boolean;
}

const VALUES: Readonly<Record<BreakerState['kind'], number>> = { closed: 0, 'half-open': 1, open: 2 };

/**
 * Carries requests to the models of a tier: each is watched by a breaker of its own, left when it is silent for longer than it is
 * allowed, and replaced by the next. Changes of a route are logged, published, audited and measured.
 */
export class Relay {
  readonly #ports: RelayPorts;
  readonly #breakers = new Map<string, Breaker>();
  /** The model that each tier was last routed to. */
  readonly #heads = new Map<string, string>();
  /** Work that was left without a sign of life, by model: nobody else is sent after it until that is settled. */
  readonly #silences = new Map<string, number>();
  readonly #closing = new AbortController();

  readonly #reroute: () => void;

  /** `reroute` is called when a breaker has changed: it should look at the course of every tier, so that a change is told at once. */
  constructor(ports: RelayPorts, reroute: () => void = () => undefined) {
    this.#ports = ports;
    this.#reroute = reroute;
  }

  /** Whom to ask now. Tells of it when that has changed since the last time. */
  course(tier: string, candidates: readonly Candidate[], conditions: RouteConditions): Course {
    const course = courseOf(tier, candidates, conditions, (model) => this.#standing(model));
    const [head] = course.legs;
    this.#follow(tier, head?.model ?? '', head?.because ?? course.obstacles);
    return course;
  }

  state(model: string): BreakerState {
    return this.#breakers.get(model)?.state ?? { kind: 'closed' };
  }

  #standing(model: string): BreakerState {
    const state = this.state(model);
    if (state.kind !== 'closed' || (this.#silences.get(model) ?? 0) === 0) return state;
    return { kind: 'open', cause: 'slow', because: 'it owes an answer' };
  }

  /** What is to be said of a model in the mesh's status: why it is not asked. */
  fact<Fact extends { readonly id: string }>(fact: Fact): Fact & { readonly because?: string } {
    const state = this.state(fact.id);
    return state.kind === 'closed' ? fact : { ...fact, because: `breaker ${state.kind}: ${state.because}` };
  }

  /** The results of the first that answers; models under probation then get a copy of the request, off the caller's path. */
  async *answer<Engine extends { kill(): void }, T>(errand: Errand<Engine, T>): AsyncGenerator<T> {
    const passedOver: string[] = [];
    const { legs, probes } = errand.course;
    const tried = new Set<Leg>();
    const rest = errand.resumes === true ? 'always' : 'until-first-result';
    let answered = false;
    const ask = (leg: Leg) => {
      tried.add(leg);
      return this.#ask(errand, leg, {
        passedOver,
        signal: errand.signal,
        replaceable: leg === legs.at(-1) ? 'never' : rest,
        copy: false,
      });
    };
    const onPassedOver = (leg: Leg, failure: MeshError) => {
      passedOver.push(`${leg.model} failed: ${failure.message}`);
      this.#passedOver(leg, failure);
    };
    const results = firstThatAnswers(legs, ask, onPassedOver, errand.resumes);
    try {
      for await (const result of results) {
        answered = true;
        yield result;
      }
    } finally {
      const due = answered && !this.#closing.signal.aborted ? probes.filter((probe) => !tried.has(probe)) : [];
      for (const probe of due) void this.#probe(errand, probe);
    }
  }

  close(): void {
    this.#closing.abort(new MeshError('unavailable', 'the service is stopping'));
    for (const breaker of this.#breakers.values()) breaker.close();
  }

  async *#ask<Engine extends { kill(): void }, T>(
    { engine: engineOf, ask, allowedMs }: Errand<Engine, T>,
    leg: Leg,
    way: Way,
  ): AsyncGenerator<T> {
    const { passedOver, signal, replaceable, copy } = way;
    const engine = await this.#engine(engineOf(leg, signal), leg, replaceable === 'never' ? Number.POSITIVE_INFINITY : allowedMs);
    const breaker = this.#breaker(leg.model);
    const because = [leg.because, ...passedOver].join('; ');
    yield* watched((context) => ask(engine, leg, { ...context, because, copy }), {
      signal,
      nowMs: () => this.#ports.clock.monotonicMs(),
      allowedMs,
      replaceable,
      permit: breaker.enter(),
      onSilent: (over) => void this.#owes(leg.model, over),
      onHung: (silentMs) => {
        this.#ports.log.warn('engine hangs and is ended', { model: leg.model, silentMs });
        breaker.hung(`its engine was silent for ${silentMs} ms and was ended`);
        engine.kill();
      },
    });
  }

  /** A model that is just being loaded is waited for, but not for longer than its answer may take if somebody else can be asked. */
  async #engine<Engine>(engine: Promise<Engine>, { model }: Leg, ms: number): Promise<Engine> {
    const ready = await new Patience(ms).wait(engine);
    if (ready === undefined) throw new MeshError('unavailable', `${model} is still loading`);
    return ready.value;
  }

  async #probe<Engine extends { kill(): void }, T>(errand: Errand<Engine, T>, leg: Leg): Promise<void> {
    if (!this.#breaker(leg.model).wantsProbe) return;
    try {
      const way = { passedOver: [], signal: this.#closing.signal, replaceable: 'always', copy: true } as const;
      for await (const _ of this.#ask(errand, leg, way));
    } catch {
      // The breaker has taken note; there is no caller to tell.
    }
  }

  async #owes(model: string, over: Promise<void>): Promise<void> {
    const add = (count: number) => this.#silences.set(model, (this.#silences.get(model) ?? 0) + count);
    add(1);
    await over;
    add(-1);
  }

  #breaker(model: string): Breaker {
    const known = this.#breakers.get(model);
    if (known !== undefined) return known;
    const breaker = new Breaker({
      nowMs: () => this.#ports.clock.monotonicMs(),
      onChange: (state) => this.#changed(model, state),
    });
    this.#breakers.set(model, breaker);
    return breaker;
  }

  #changed(model: string, state: BreakerState): void {
    const { log, metrics } = this.#ports;
    log.warn('breaker changed', { model, ...state });
    this.#reroute();
    metrics
      .gauge('breaker_state', "state of a model's breaker: 0 closed, 1 half-open, 2 open", ['model'])
      .set({ model }, VALUES[state.kind]);
  }

  #passedOver({ model }: Leg, { code, message }: MeshError): void {
    const { log, metrics } = this.#ports;
    log.warn('model passed over', { model, code, because: message });
    metrics.counter('takeovers_total', 'requests that another model took over', ['model', 'code']).inc({ model, code });
  }

  #follow(tier: string, to: string, because: string): void {
    const from = this.#heads.get(tier);
    this.#heads.set(tier, to);
    if (from === undefined || from === to) return;
    const { service, bus, trail } = this.#ports;
    bus.publishEvent('route.changed', { service, tier, from, to, because });
    trail.record('route.changed', { tier, from, to, because });
  }
}
