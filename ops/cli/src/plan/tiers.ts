import {
  type BoundTier,
  deviceNote,
  type LatencyTarget,
  primaryFirst,
  recognitionAllowedMs,
  servingTier,
  speechAllowedMs,
} from '@smartlite/resilience';
import type { Pack } from '@smartlite/trust';

export type Stage = 'asr' | 'llm' | 'tts';

/** A tier of a stage, as its service sees it. */
export interface Tier extends BoundTier {
  readonly stage: Stage;
  readonly tier: string;
  readonly targetMs: number;
  /** Empty, or that the tier would rather be served on another device. */
  readonly deviceNote: string;
}

/** Every tier of a pack; all voices are one. Pure. */
export function tiersOf({ asr_pack: asr, llm_tiers: llm, tts_pack: tts, latency_profile: profile }: Pack): readonly Tier[] {
  const recognisers = Object.entries(asr.tiers).map(([tier, { candidates, target_ms: targetMs, device }]) => ({
    stage: 'asr' as const,
    tier,
    servedAs: tier,
    candidates,
    targetMs,
    deviceNote: deviceNote(tier, device),
  }));
  const minds = Object.keys(llm.tiers).map((tier) => ({
    stage: 'llm' as const,
    tier,
    ...servingTier(llm.tiers, tier),
    targetMs: profile.llm.target_ms,
    deviceNote: '',
  }));
  const voices = { tier: 'tts', servedAs: 'tts', candidates: primaryFirst(Object.values(tts.roles)) };
  return [...recognisers, ...minds, { stage: 'tts' as const, ...voices, targetMs: profile.tts.target_ms, deviceNote: '' }];
}

const ALLOWED_MS: Readonly<Record<Stage, (target: LatencyTarget) => number>> = {
  asr: (target) => recognitionAllowedMs(target, 0),
  llm: ({ p99_ms: p99Ms }) => p99Ms,
  tts: (target) => speechAllowedMs(target, 0),
};

/** What a tier may take at the 99th percentile, in milliseconds: for a short utterance, a first token, a sentence. Pure. */
export function allowedMs(
  { stage, tier }: Pick<Tier, 'stage' | 'tier'>,
  { latency_profile: profile, asr_pack: asr }: Pack,
): number {
  const own = stage === 'asr' ? asr.tiers[tier] : undefined;
  return ALLOWED_MS[stage](own ?? profile[stage]);
}

/** The models that most callers of a stage get: the primaries of its default tier. Pure. */
export function usualModels(stage: Stage, pack: Pack): readonly string[] {
  const usual = { asr: pack.asr_pack.default_tier, llm: pack.llm_tiers.default_tier, tts: 'tts' }[stage];
  const candidates = tiersOf(pack).find((each) => each.stage === stage && each.tier === usual)?.candidates ?? [];
  return candidates.filter(({ role }) => role === 'primary').map(({ model }) => model);
}
