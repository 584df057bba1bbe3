import type { BreakerState } from './breaker.ts';
import { type Candidate, type Leg, obstacles, route, type RouteConditions } from './route.ts';

/** Whom to ask in which order, and whom to try on copies. */
export interface Course {
  readonly legs: readonly Leg[];
  /** Models under probation: copies of work that others have done show whether they are well again. */
  readonly probes: readonly Leg[];
  /** Shadows that can be asked: a share of the work is copied to them, to learn whether they could stand in. */
  readonly shadows: readonly Leg[];
  /** For callers that are told no: why each candidate was passed over. */
  readonly obstacles: string;
}

/**
 * The route of a tier around open breakers. When nobody else is left there is still to be asked, in this order: a model that is under
 * probation or merely slow, for a slow answer is better than none; a shadow that may stand in but was not measured lately; and one that
 * was silent, for on a machine that has too much to do all of them are. One that fails is not asked, nor a shadow that is known to be
 * bad. Pure.
 */
export function courseOf(
  tier: string,
  candidates: readonly Candidate[],
  conditions: RouteConditions,
  stateOf: (model: string) => BreakerState,
): Course {
  const around = { ...conditions, unusable: (model: string) => conditions.unusable(model) ?? blocked(stateOf(model)) };
  const sound = route(tier, candidates, around);
  const has = (legs: readonly Leg[], { model }: Candidate) => legs.some((leg) => leg.model === model);
  const left = route(tier, candidates, conditions)
    .filter((leg) => !has(sound, leg) && mayBeLast(stateOf(leg.model)))
    .map((leg) => ({ ...leg, because: `${leg.because}; it ${blocked(stateOf(leg.model))}, but nobody else is left` }));
  const silent = left.filter(({ model }) => wasSilent(stateOf(model)));
  const rest = left.filter((leg) => !has(silent, leg));
  const shadows = conditions.fallbacksOnly ? [] : usableShadows(tier, candidates, around);
  const unmeasured = shadows
    .filter((leg) => !has(sound, leg) && conditions.shadowsStandIn === true && unknown(leg, conditions))
    .map((leg) => ({ ...leg, because: `${leg.because}; not measured lately, but nobody else is left` }));
  const probes = left.filter(({ model }) => stateOf(model).kind === 'half-open');
  return { legs: [...sound, ...rest, ...unmeasured, ...silent], probes, shadows, obstacles: obstacles(candidates, around) };
}

function usableShadows(tier: string, candidates: readonly Candidate[], { unusable }: RouteConditions): readonly Leg[] {
  return candidates
    .filter(({ model, role }) => role === 'shadow' && unusable(model) === undefined)
    .map((candidate) => ({ ...candidate, because: `shadow of tier ${tier}` }));
}

function unknown({ model }: Candidate, { merit }: RouteConditions): boolean {
  return (merit?.(model) ?? 'unmeasured') === 'unmeasured';
}

/** What keeps callers from a model, as it follows on its name; undefined while its breaker is closed. */
function blocked(state: BreakerState): string | undefined {
  if (state.kind === 'closed') return undefined;
  return state.kind === 'open' ? `has an open breaker: ${state.because}` : `is being probed: ${state.because}`;
}

function wasSilent(state: BreakerState): boolean {
  return state.kind === 'open' && state.cause === 'silent';
}

function mayBeLast(state: BreakerState): boolean {
  return state.kind === 'half-open' || (state.kind === 'open' && state.cause !== 'failing');
}
