import { MeshError } from '@smartlite/contracts';
import type { Permit } from './breaker.ts';
import type { AnyEngine, Errand } from './errand.ts';
import { Patience } from './patience.ts';
import type { Reports } from './reports.ts';
import type { Leg } from './route.ts';
import type { Wards } from './wards.ts';
import { type Watch, watched, type Work } from './watch.ts';

/** What every try at a model needs. */
export interface AttemptParts {
  readonly nowMs: () => number;
  readonly wards: Wards;
  readonly reports: Reports;
}

/** How a leg is asked. */
export interface Way {
  readonly passedOver: readonly string[];
  readonly signal: AbortSignal;
  readonly standing: Watch['standing'];
  readonly copy: boolean;
  /** Told what the work took. */
  readonly onOver?: (work: Work) => void;
}

/** One model's results, watched by its breaker. Refused at once where it could not begin before the caller has no use for an answer. */
export async function* attempt<Engine extends AnyEngine, T>(
  { engine: engineOf, ask, allowedMs, aside = false, dueMs = Number.POSITIVE_INFINITY }: Errand<Engine, T>,
  leg: Leg,
  { passedOver, signal, standing, copy, onOver = () => undefined }: Way,
  { nowMs, wards, reports }: AttemptParts,
): AsyncGenerator<T> {
  const engine = await loaded(engineOf(leg, signal), leg, standing() === 'replaceable' ? allowedMs : Number.POSITIVE_INFINITY);
  const { waitMs = 0 } = engine;
  if (waitMs > dueMs - nowMs()) throw tooLate(leg, waitMs);
  const breaker = wards.breaker(leg.model);
  const because = [leg.because, ...passedOver].join('; ');
  yield* watched((context) => ask(engine, leg, { ...context, because, copy }), {
    signal,
    nowMs,
    allowedMs,
    standing,
    permit: aside ? onlyFailures(breaker.enter()) : breaker.enter(),
    onSilent: (over) => void wards.owes(leg.model, over),
    onHung: (silentMs) => {
      reports.hung(leg.model, silentMs);
      breaker.hung(`its engine was silent for ${silentMs} ms and was ended`);
      engine.kill();
    },
    onOver: (work) => {
      reports.worked(leg.model, work, copy);
      onOver(work);
    },
  });
}

/** A model that is just being loaded is waited for, but not for longer than its answer may take if somebody else can be asked. */
async function loaded<Engine>(engine: Promise<Engine>, { model }: Leg, ms: number): Promise<Engine> {
  const ready = await new Patience(ms).wait(engine);
  if (ready === undefined) throw new MeshError('unavailable', `${model} is still loading`);
  return ready.value;
}

function onlyFailures(permit: Permit): Permit {
  return { settle: (outcome) => permit.settle(outcome.kind === 'answered' ? { kind: 'unjudged' } : outcome) };
}

function tooLate({ model }: Leg, waitMs: number): MeshError {
  const wait = Math.round(waitMs);
  return new MeshError('overloaded', `${model} has work for ${wait} ms before this, longer than the caller waits`, {
    retryAfterMs: wait,
  });
}
