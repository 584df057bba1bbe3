import type { BreakerState } from './breaker.ts';
import { type Candidate, type Leg, obstacles, route, type RouteConditions } from './route.ts';

/** Whom to ask in which order, and whom to try on copies. */
export interface Course {
  readonly legs: readonly Leg[];
  /** Models whose breaker is half-open: copies of work that others have done show whether they are well again. */
  readonly probes: readonly Leg[];
  /** For callers that are told no: why each candidate was passed over. */
  readonly obstacles: string;
}

/**
 * The route of a tier around open breakers. A model that is merely slow, or half-open, is still asked when nobody else is left: a slow
 * answer is better than none. One that fails or hangs is not. Pure.
 */
export function courseOf(
  tier: string,
  candidates: readonly Candidate[],
  conditions: RouteConditions,
  stateOf: (model: string) => BreakerState,
): Course {
  const around = { ...conditions, unusable: (model: string) => conditions.unusable(model) ?? blocked(stateOf(model)) };
  const sound = route(tier, candidates, around);
  const rest = route(tier, candidates, conditions)
    .filter(({ model }) => !sound.some((leg) => leg.model === model) && mayBeLast(stateOf(model)))
    .map((leg) => ({ ...leg, because: `${leg.because}; it ${blocked(stateOf(leg.model))}, but nobody else is left` }));
  const probes = rest.filter(({ model }) => stateOf(model).kind === 'half-open');
  return { legs: [...sound, ...rest], probes, obstacles: obstacles(candidates, around) };
}

/** What keeps callers from a model, as it follows on its name; undefined while its breaker is closed. */
function blocked(state: BreakerState): string | undefined {
  if (state.kind === 'closed') return undefined;
  return state.kind === 'open' ? `has an open breaker: ${state.because}` : `is being probed: ${state.because}`;
}

function mayBeLast(state: BreakerState): boolean {
  return state.kind === 'half-open' || (state.kind === 'open' && state.cause === 'slow');
}
