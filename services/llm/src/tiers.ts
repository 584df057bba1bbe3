import type { WantedModel } from '@smartlite/chassis';
import { MeshError } from '@smartlite/contracts';
import { type BoundTier, hungAfterMs, servingTier } from '@smartlite/resilience';
import type { Pack } from '@smartlite/trust';

export interface Tier extends BoundTier {
  /** As asked for. */
  readonly name: string;
  readonly promptTokensMax: number;
  readonly answerTokensMax: number;
}

/** The tier that a caller asks for; empty means the pack's default. Throws `invalid-argument` naming those there are. */
export function tierOf({ llm_tiers: { default_tier, tiers } }: Pack, asked: string): Tier {
  const name = asked || default_tier;
  const tier = Object.hasOwn(tiers, name) ? tiers[name] : undefined;
  if (!tier)
    throw new MeshError(
      'invalid-argument',
      `tier: there is no LLM tier ${JSON.stringify(name.slice(0, 40))}; give one of ${Object.keys(tiers).join(', ')}`,
    );
  const { prompt: promptTokensMax, answer: answerTokensMax } = tier.token_budget;
  return { name, ...servingTier(tiers, name), promptTokensMax, answerTokensMax };
}

/** Engines that send the question to somebody else's machine: closed in safe mode, whatever their role. */
const REMOTE_ENGINES: ReadonlySet<string> = new Set(['openai']);

/** Models to keep: primaries and shadows at once, fallbacks stand by; only fallbacks stay in safe mode. */
export function wantedModels(
  { llm_tiers: { tiers }, models, latency_profile: profile }: Pack,
  concurrency: number,
): readonly WantedModel[] {
  const wanted = new Map<string, WantedModel>();
  const work = { concurrency, cancelMsMax: hungAfterMs(profile.llm.p99_ms) };
  for (const [tier, { candidates }] of Object.entries(tiers)) {
    for (const { model: id, role } of candidates) {
      const model = models.find((each) => each.id === id);
      if (!model || wanted.has(id)) continue;
      const fallback = role === 'fallback';
      const keeps = fallback && !REMOTE_ENGINES.has(model.engine);
      wanted.set(id, {
        id,
        tier,
        role,
        artifacts: model.artifacts,
        load: fallback ? 'standby' : 'at-once',
        inSafeMode: keeps ? 'keep' : 'unload',
        work,
      });
    }
  }
  return [...wanted.values()];
}
