import { MeshError } from '@smartlite/contracts';
import { attempt, type AttemptParts, type Way } from './attempt.ts';
import { type AnyEngine, type Errand, isCompared, type Shadowing } from './errand.ts';
import type { Leg } from './route.ts';
import type { Work } from './watch.ts';
import { type Comparison, type Merit, SHADOW_POLICY, ShadowAllowance, type ShadowPolicy, ShadowRecord } from './shadow.ts';

/** While so many callers are served, the machine has nothing left for shadows. */
export const SHADOW_CALLERS_MAX = 2;

/**
 * Copies of requests that callers have had answered: probes of models under probation, and shadows of a share of the traffic. They run
 * off the caller's path, in this process, on the models of this instance, so they never leave its region. One at a time a model.
 */
export class Copies {
  readonly #parts: AttemptParts;
  readonly #records = new Map<string, ShadowRecord>();
  readonly #allowances = new Map<string, ShadowAllowance>();
  /** Copies that run, by model. */
  readonly #running = new Map<string, AbortController>();
  readonly #shadows = new Set<AbortController>();
  #callers = 0;
  #closed = false;

  constructor(parts: AttemptParts) {
    this.#parts = parts;
  }

  /** A caller's request begins; returns how to say that it is over. Under load the copies for shadows are the first to go. */
  caller(): () => void {
    this.#callers += 1;
    if (this.#callers >= SHADOW_CALLERS_MAX) for (const shadow of this.#shadows) shadow.abort(DROPPED);
    return () => (this.#callers -= 1);
  }

  merit(model: string, policy: ShadowPolicy = SHADOW_POLICY): Merit {
    return this.#records.get(model)?.merit(policy, this.#parts.nowMs()) ?? 'unmeasured';
  }

  /** Gives a copy to a model under probation, unless one is on its way to it. */
  async probe<Engine extends AnyEngine, T>(errand: Errand<Engine, T>, leg: Leg): Promise<void> {
    const { state, wantsProbe } = this.#parts.wards.breaker(leg.model);
    // One that is doubted by others alone has a closed breaker.
    if (state.kind === 'open' || (state.kind === 'half-open' && !wantsProbe)) return;
    await this.#run(errand, leg, new AbortController());
  }

  /** Whether a copy for this shadow is due and can be afforded now. */
  isDue(leg: Leg, { share }: ShadowPolicy): boolean {
    const allowance = this.#allowances.get(leg.model) ?? new ShadowAllowance();
    this.#allowances.set(leg.model, allowance);
    if (this.#running.has(leg.model) || !allowance.spend(share)) return false;
    if (this.#callers < SHADOW_CALLERS_MAX) return true;
    this.#parts.reports.copied(leg.model, 'dropped');
    return false;
  }

  /** Gives a copy to a shadow and keeps how far its answer was from the caller's. */
  async shadow<Engine extends AnyEngine, T>(
    errand: Errand<Engine, T>,
    leg: Leg,
    { policy, disagreement }: Shadowing<T>,
    heard: readonly T[],
  ): Promise<void> {
    if (this.#callers >= SHADOW_CALLERS_MAX) return this.#parts.reports.copied(leg.model, 'dropped');
    const controller = new AbortController();
    this.#shadows.add(controller);
    const copy = await this.#run(errand, leg, controller);
    this.#shadows.delete(controller);
    if (this.#closed) return;
    if (controller.signal.aborted) return this.#parts.reports.copied(leg.model, 'dropped');
    const comparison = copy === undefined ? FAILED : { share: copy.share, disagreement: disagreement(heard, copy.results) };
    this.#parts.reports.copied(leg.model, copy === undefined ? 'failed' : 'compared');
    this.#keep(leg.model, comparison, policy);
  }

  close(): void {
    this.#closed = true;
    for (const running of this.#running.values()) running.abort(new MeshError('unavailable', 'the service is stopping'));
  }

  #keep(model: string, comparison: Comparison, policy: ShadowPolicy): void {
    const record = this.#records.get(model) ?? new ShadowRecord();
    this.#records.set(model, record);
    record.add(comparison, this.#parts.nowMs());
    const summary = record.summary(policy, this.#parts.nowMs());
    if (summary !== undefined) this.#parts.reports.compared(model, summary);
  }

  /**
   * What is compared of a copy's results, and how late they were, as a breaker sees it: a long stream is not late for being long, nor for
   * its wait in the queue. Undefined when it failed: the breaker has taken note of that, and there is no caller to tell.
   */
  async #run<Engine extends AnyEngine, T>(
    errand: Errand<Engine, T>,
    leg: Leg,
    controller: AbortController,
  ): Promise<{ readonly results: readonly T[]; readonly share: number } | undefined> {
    if (this.#closed || this.#running.has(leg.model)) return undefined;
    this.#running.set(leg.model, controller);
    let share = 0;
    const onOver = (work: Work) => (share = work.share);
    const way: Way = { passedOver: [], signal: controller.signal, standing: () => 'replaceable', copy: true, onOver };
    const results: T[] = [];
    const { dueMs: _, ...undue } = errand;
    try {
      for await (const result of attempt(undue, leg, way, this.#parts)) if (isCompared(errand, result)) results.push(result);
      return { results, share };
    } catch {
      return undefined;
    } finally {
      this.#running.delete(leg.model);
    }
  }
}

const DROPPED = new MeshError('cancelled', 'dropped for the sake of callers');
const FAILED: Comparison = { share: undefined, disagreement: 1 };
