import type { Merit } from './shadow.ts';

/** A model that may serve a tier, and as what. */
export interface Candidate {
  readonly model: string;
  readonly role: 'primary' | 'shadow' | 'fallback';
}

/** What the choice depends on, as it is at this moment. */
export interface RouteConditions {
  /** True in safe mode: only fallbacks stay loaded. */
  readonly fallbacksOnly: boolean;
  /** Of the lock status: a missing primary -> the shadow that takes its place. */
  readonly substitutions: Readonly<Record<string, string>>;
  /** Of the lock's policy: a verified shadow may also take over from a primary that fails, hangs or is slow. */
  readonly shadowsStandIn?: boolean;
  /** What is known of a shadow. One that was found good lately stands in; absent: nothing is known of any. */
  readonly merit?: (model: string) => Merit;
  /** Why a model cannot be asked now; undefined when it can. */
  readonly unusable: (model: string) => string | undefined;
}

/** One model to ask, and why it is this one's turn. */
export interface Leg extends Candidate {
  readonly because: string;
}

/**
 * The candidates of a tier in the order in which they are asked: the primary, or the shadow that the lock status puts in its place;
 * then the fallbacks. A shadow is asked without a substitution only where the lock's policy lets it stand in and it was found good
 * lately, and then in its place among the candidates. Pure.
 */
export function route(tier: string, candidates: readonly Candidate[], conditions: RouteConditions): readonly Leg[] {
  const passedOver: string[] = [];
  const legs: Leg[] = [];
  for (const candidate of candidates) {
    const obstacle = obstacleTo(candidate, candidates, conditions);
    if (obstacle !== undefined) {
      if (candidate.role !== 'shadow') passedOver.push(`${candidate.model} ${obstacle}`);
      continue;
    }
    legs.push({ ...candidate, because: reason(tier, candidate, passedOver) });
  }
  return legs;
}

/** For callers that are told no: why each candidate was passed over. */
export function obstacles(candidates: readonly Candidate[], conditions: RouteConditions): string {
  return candidates
    .map((candidate) => [candidate.model, obstacleTo(candidate, candidates, conditions)] as const)
    .filter(([, obstacle]) => obstacle !== undefined)
    .map(([model, obstacle]) => `${model} ${obstacle}`)
    .join('; ');
}

function obstacleTo(
  { model, role }: Candidate,
  candidates: readonly Candidate[],
  conditions: RouteConditions,
): string | undefined {
  if (conditions.fallbacksOnly && role !== 'fallback') return 'is no fallback, and in safe mode only fallbacks serve';
  if (role === 'shadow' && !standsIn(model, candidates, conditions)) return 'is a shadow that replaces nobody now';
  return conditions.unusable(model);
}

function standsIn(
  shadow: string,
  candidates: readonly Candidate[],
  { substitutions, shadowsStandIn = false, merit }: RouteConditions,
): boolean {
  return (
    (shadowsStandIn && merit?.(shadow) === 'good') ||
    candidates.some(({ model, role }) => role === 'primary' && substitutions[model] === shadow)
  );
}

function reason(tier: string, { role }: Candidate, passedOver: readonly string[]): string {
  const head = `${role} of tier ${tier}`;
  return passedOver.length === 0 ? head : `${head}; passed over: ${passedOver.join('; ')}`;
}
