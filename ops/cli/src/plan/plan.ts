import { type BreakerState, type Candidate, courseOf } from '@smartlite/resilience';
import type { Pack } from '@smartlite/trust';
import { brokenBy, type Suppositions } from './suppose.ts';

type Stage = 'asr' | 'llm' | 'tts';

/** Who would answer a tier of a stage. */
export interface PlannedTier {
  readonly stage: Stage;
  readonly tier: string;
  /** null: nobody. */
  readonly model: string | null;
  readonly because: string;
  /** Expected P99 in milliseconds: what is supposed of the model, or the figure of the pack. */
  readonly p99Ms: number | null;
}

export interface Plan {
  readonly tiers: readonly PlannedTier[];
  readonly breaks: readonly string[];
}

/** The routes of a pack under suppositions, by the very function that the services route by. Pure. */
export function plan(pack: Pack, suppositions: Suppositions, shadowsStandIn: boolean): Plan {
  const tiers = tiersOf(pack).map(({ stage, tier, candidates }): PlannedTier => {
    const stateOf = (model: string) => breakerOf(model, stage, candidates, pack, suppositions);
    const unusable = (model: string) => (suppositions.down.has(model) ? 'is down' : undefined);
    // A shadow is supposed to have been found good on the copies that it got; nothing is known of that here.
    const merit = () => 'good' as const;
    const conditions = { fallbacksOnly: false, substitutions: {}, shadowsStandIn, merit, unusable };
    const { legs, obstacles } = courseOf(tier, candidates, conditions, stateOf);
    const [leg] = legs;
    if (leg === undefined || suppositions.down.has(stage))
      return { stage, tier, model: null, because: leg ? `${stage} is down` : obstacles, p99Ms: null };
    const p99Ms = supposedMs(leg, stage, suppositions) ?? pack.latency_profile[stage].p99_ms;
    return { stage, tier, model: leg.model, because: leg.because, p99Ms };
  });
  const unserved = tiers.filter(({ model }) => model === null).map(({ stage, tier }) => `${stage} tier ${tier}: nobody answers`);
  return { tiers, breaks: [...brokenBy(suppositions), ...unserved] };
}

/** A model whose supposed P99 is beyond what its stage allows has an open breaker. */
function breakerOf(
  model: string,
  stage: Stage,
  candidates: readonly Candidate[],
  { latency_profile: profile }: Pack,
  suppositions: Suppositions,
): BreakerState {
  const candidate = candidates.find((each) => each.model === model);
  const ms = candidate && supposedMs(candidate, stage, suppositions);
  const allowedMs = profile[stage].p99_ms;
  if (ms === undefined || ms <= allowedMs) return { kind: 'closed' };
  return { kind: 'open', cause: 'slow', because: `a P99 of ${ms} ms is beyond the ${allowedMs} ms of ${stage}` };
}

/** What is supposed of a service is supposed of its primaries. */
function supposedMs({ model, role }: Candidate, stage: Stage, { p99Ms }: Suppositions): number | undefined {
  return p99Ms.get(model) ?? (role === 'primary' ? p99Ms.get(stage) : undefined);
}

function tiersOf({ asr_pack: asr, llm_tiers: llm, tts_pack: tts }: Pack) {
  const speakers: readonly Candidate[] = Object.values(tts.roles).toSorted((one) => (one.role === 'primary' ? -1 : 1));
  return [
    ...Object.entries(asr.tiers).map(([tier, { candidates }]) => ({ stage: 'asr' as const, tier, candidates })),
    ...Object.entries(llm.tiers).map(([tier, { candidates, served_by_tier: other = tier }]) => ({
      stage: 'llm' as const,
      tier,
      candidates: candidates.length > 0 ? candidates : (llm.tiers[other]?.candidates ?? []),
    })),
    { stage: 'tts' as const, tier: 'tts', candidates: speakers },
  ];
}
