import type { MeshError } from '@smartlite/contracts';
import { attempt, type AttemptParts } from './attempt.ts';
import type { BreakerState } from './breaker.ts';
import { Copies } from './copies.ts';
import { type Course, courseOf } from './course.ts';
import { type AnyEngine, type Errand, isCompared } from './errand.ts';
import { firstThatAnswers } from './fallback.ts';
import { heldUntilSaid } from './hold.ts';
import { type ReportPorts, Reports } from './reports.ts';
import type { Candidate, Leg, RouteConditions } from './route.ts';
import type { ShadowPolicy } from './shadow.ts';
import { type Hint, Wards } from './wards.ts';
import type { Standing } from './watch.ts';

/** What a relay needs of its service. */
export interface RelayPorts extends ReportPorts {
  readonly clock: { monotonicMs(): number };
  /** What other instances of the service say of their breakers; absent: nothing is heard of them. */
  readonly hints?: () => readonly Hint[];
}

/**
 * Carries requests to the models of a tier: each is watched by a breaker of its own, left when it is silent for longer than it is
 * allowed, and replaced by the next. Changes of a route are logged, published, audited and measured.
 */
export class Relay {
  readonly #parts: AttemptParts;
  readonly #copies: Copies;

  /** `reroute` is called when a breaker has changed: it should look at the course of every tier, so that a change is told at once. */
  constructor(ports: RelayPorts, reroute: () => void = () => undefined) {
    const nowMs = () => ports.clock.monotonicMs();
    const reports = new Reports(ports);
    const onChange = (model: string, state: BreakerState) => {
      reports.breakerChanged(model, state);
      reroute();
    };
    this.#parts = { nowMs, reports, wards: new Wards({ nowMs, onChange, hints: ports.hints ?? (() => []) }) };
    this.#copies = new Copies(this.#parts);
  }

  /** Whom to ask now. Tells of it when that has changed since the last time. */
  course(tier: string, candidates: readonly Candidate[], conditions: RouteConditions, shadows?: ShadowPolicy): Course {
    const merit = (model: string) => this.#copies.merit(model, shadows);
    const course = courseOf(tier, candidates, { ...conditions, merit }, (model) => this.#parts.wards.standing(model));
    const [head] = course.legs;
    this.#parts.reports.routed(tier, head?.model ?? '', head?.because ?? course.obstacles);
    return course;
  }

  /** What is to be said of a model in the mesh's status: the state of its breaker, and why it is not asked. */
  fact<Fact extends { readonly id: string }>(fact: Fact): Fact & BreakerFact {
    const state = this.#parts.wards.state(fact.id);
    if (state.kind === 'closed') return { ...fact, breaker: state.kind };
    return { ...fact, breaker: state.kind, because: `breaker ${state.kind}: ${state.because}` };
  }

  /** The results of the first that answers; then models under probation, and a share for shadows, get a copy off the caller's path. */
  async *answer<Engine extends AnyEngine, T>(errand: Errand<Engine, T>): AsyncGenerator<T> {
    const over = this.#copies.caller();
    const tried = new Set<Leg>();
    const copying = this.#shadowsDue(errand);
    const heard: T[] = [];
    let answered = false;
    try {
      for await (const result of this.#firstToAnswer(errand, tried)) {
        answered = true;
        if (copying.length > 0 && isCompared(errand, result)) heard.push(result);
        yield result;
      }
    } finally {
      over();
      if (answered && errand.aside !== true) this.#copy(errand, tried, copying, heard);
    }
  }

  close(): void {
    this.#copies.close();
    this.#parts.wards.close();
  }

  #firstToAnswer<Engine extends AnyEngine, T>(errand: Errand<Engine, T>, tried: Set<Leg>): AsyncIterable<T> {
    const { course, signal, resumes = false, saidFrom = atOnce<T> } = errand;
    const passedOver: string[] = [];
    let said = false;
    const standing = (leg: Leg): Standing => {
      if (said && !resumes) return 'said';
      return leg === course.legs.at(-1) ? 'last' : 'replaceable';
    };
    const ask = (leg: Leg) => {
      tried.add(leg);
      const way = { passedOver, signal, standing: () => standing(leg), copy: false };
      return heldUntilSaid(attempt(errand, leg, way, this.#parts), saidFrom(), () => (said = true));
    };
    const onPassedOver = (leg: Leg, failure: MeshError) => {
      passedOver.push(`${leg.model} failed: ${failure.message}`);
      this.#parts.reports.passedOver(leg, failure);
    };
    return firstThatAnswers(course.legs, ask, onPassedOver, resumes);
  }

  #shadowsDue<Engine extends AnyEngine, T>({ course, shadowing }: Errand<Engine, T>): readonly Leg[] {
    if (shadowing === undefined) return [];
    return course.shadows.filter((leg) => leg.model !== course.legs[0]?.model && this.#copies.isDue(leg, shadowing.policy));
  }

  #copy<Engine extends AnyEngine, T>(
    errand: Errand<Engine, T>,
    tried: ReadonlySet<Leg>,
    shadows: readonly Leg[],
    heard: readonly T[],
  ): void {
    const models = new Set([...tried].map(({ model }) => model));
    for (const probe of errand.course.probes) if (!models.has(probe.model)) void this.#copies.probe(errand, probe);
    for (const shadow of shadows)
      if (errand.shadowing !== undefined && !models.has(shadow.model))
        void this.#copies.shadow(errand, shadow, errand.shadowing, heard);
  }
}

/** What a relay adds to what is said of a model. */
export interface BreakerFact {
  readonly breaker: BreakerState['kind'];
  readonly because?: string;
}

function atOnce<T>(): (result: T) => boolean {
  return () => true;
}
