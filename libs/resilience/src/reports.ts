import type { Events, MeshError, ServiceName } from '@smartlite/contracts';
import type { BreakerState } from './breaker.ts';
import type { Leg } from './route.ts';
import type { Work } from './watch.ts';

type Labels = Readonly<Record<string, string>>;

/** Where a relay tells of what it does. No request's words are ever part of it. */
export interface ReportPorts {
  readonly service: ServiceName;
  readonly instance: string;
  readonly log: { warn(text: string, attributes?: Readonly<Record<string, unknown>>): void };
  readonly bus: { publishEvent<T extends 'route.changed' | 'breaker.changed'>(type: T, data: Events[T]): void };
  readonly trail: { record(kind: 'route.changed', facts: Readonly<Record<string, string>>): unknown };
  readonly metrics: {
    gauge(name: string, help: string, labels: readonly string[]): { set(labels: Labels, value: number): void };
    counter(name: string, help: string, labels: readonly string[]): { inc(labels: Labels, by?: number): void };
    histogram(
      name: string,
      help: string,
      labels: readonly string[],
      buckets: readonly number[],
    ): { observe(labels: Labels, value: number): void };
  };
}

const VALUES: Readonly<Record<BreakerState['kind'], number>> = { closed: 0, 'half-open': 1, open: 2 };

/** From a token of a small model to a minute's speech on a busy machine. */
const FIRST_RESULT_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Logs, events, audit entries and metrics of a relay. */
export class Reports {
  readonly #ports: ReportPorts;
  /** The model that each tier was last routed to. */
  readonly #heads = new Map<string, string>();

  constructor(ports: ReportPorts) {
    this.#ports = ports;
  }

  breakerChanged(model: string, state: BreakerState): void {
    const { service, instance, log, bus, metrics } = this.#ports;
    const because = state.kind === 'closed' ? 'its probes were good' : state.because;
    log.warn('breaker changed', { model, ...state });
    bus.publishEvent('breaker.changed', { service, instance, model, state: state.kind, because });
    metrics
      .gauge('breaker_state', "state of a model's breaker: 0 closed, 1 half-open, 2 open", ['model'])
      .set({ model }, VALUES[state.kind]);
  }

  passedOver({ model }: Leg, { code, message }: MeshError): void {
    const { log, metrics } = this.#ports;
    log.warn('model passed over', { model, code, because: message });
    metrics.counter('takeovers_total', 'requests that another model took over', ['model', 'code']).inc({ model, code });
  }

  hung(model: string, silentMs: number): void {
    this.#ports.log.warn('engine hangs and is ended', { model, silentMs });
  }

  /** The meter of a model's time: what callers were charged for is in the ledger, copies and lost work are here alone. */
  worked(model: string, { answered, ms, firstMs }: Work, copy: boolean): void {
    const { metrics } = this.#ports;
    const answerOrLost = answered ? 'answer' : 'lost';
    metrics
      .counter('model_seconds_total', "a model's time, by what came of it: an answer, a copy that nobody hears, or nothing", [
        'model',
        'spent_on',
      ])
      .inc({ model, spent_on: copy ? 'copy' : answerOrLost }, ms / 1_000);
    if (firstMs === undefined || copy) return;
    metrics
      .histogram(
        'model_first_result_seconds',
        'from the turn of a piece of work to its first result',
        ['model'],
        FIRST_RESULT_SECONDS,
      )
      .observe({ model }, firstMs / 1_000);
  }

  /** Tells of the head of a tier's route when it is another than the last time. */
  routed(tier: string, to: string, because: string): void {
    const from = this.#heads.get(tier);
    this.#heads.set(tier, to);
    if (from === undefined || from === to) return;
    const { service, bus, trail } = this.#ports;
    bus.publishEvent('route.changed', { service, tier, from, to, because });
    trail.record('route.changed', { tier, from, to, because });
  }

  copied(model: string, outcome: 'compared' | 'dropped' | 'failed'): void {
    this.#ports.metrics
      .counter('shadow_copies_total', 'copies of requests that a shadow model was given, by what became of them', [
        'model',
        'outcome',
      ])
      .inc({ model, outcome });
  }

  compared(model: string, { disagreement, lateShare }: { readonly disagreement: number; readonly lateShare: number }): void {
    const { metrics } = this.#ports;
    metrics
      .gauge('shadow_disagreement', "mean disagreement of a shadow's answers with those that callers got: 0 none, 1 all", [
        'model',
      ])
      .set({ model }, disagreement);
    metrics
      .gauge('shadow_late_share', "share of a shadow's answers that failed or took longer than is allowed", ['model'])
      .set({ model }, lateShare);
  }
}
