import { type BreakerState, courseOf, LatencyWindow, SAMPLES_MIN, within } from '@smartlite/resilience';
import type { Pack } from '@smartlite/trust';
import type { UsageRow } from '../budget/words.ts';
import { brokenBy, type Suppositions } from './suppose.ts';
import { regionsOf, type TenantRegions, tenantsOf } from './tenants.ts';
import { type Unnamed, unnamed } from './unnamed.ts';
import { allowedMs, type Stage, type Tier, tiersOf, usualModels } from './tiers.ts';
import { unserved } from './unserved.ts';

/** Who would answer a tenant in a tier of a stage. */
export interface PlannedTier {
  readonly stage: Stage;
  readonly tier: string;
  /** The tier whose models answer: another one where this one is bound to none. */
  readonly servedAs: string;
  /** null: nobody. */
  readonly model: string | null;
  readonly because: string;
  /** What the pack aims at, in milliseconds. null: nobody answers. */
  readonly targetMs: number | null;
  /** Expected at the 99th percentile, in milliseconds: what is supposed of the model, or the most that its breaker allows. */
  readonly p99Ms: number | null;
  /** True where that is more than the breaker allows: a slow answer is better than none. */
  readonly isLate: boolean;
}

export interface TenantPlan extends Pick<TenantRegions, 'tenant' | 'regions' | 'rule'> {
  readonly tiers: readonly PlannedTier[];
  /** Where requests go that name no tier. */
  readonly unnamed: Unnamed;
  /** Limits in force for the tenant and what is left of them; empty where no running mesh was asked. */
  readonly books: readonly UsageRow[];
}

export interface Plan {
  readonly tenants: readonly TenantPlan[];
  /** Limits of the pack, for every tenant or user whose limit no operator has set otherwise. */
  readonly limits: Pack['token_budget']['limits'];
  readonly breaks: readonly string[];
}

export interface PlanOptions {
  /** The lock's policy: a verified shadow may take over from a primary. */
  readonly shadowsStandIn: boolean;
  /** Empty: those that the pack's rules name, and any other. */
  readonly tenants?: readonly string[];
  /** What the running mesh's ledger says, by tenant. */
  readonly books?: ReadonlyMap<string, readonly UsageRow[]>;
}

/** Routes of a pack under suppositions, for each tenant, by the very functions that gateway and services decide by. Pure. */
export function plan(pack: Pack, suppositions: Suppositions, options: PlanOptions): Plan {
  const tenants = tenantsOf(pack, options.tenants).map((tenant) => {
    const { allowed, regions, rule } = regionsOf(tenant, pack, suppositions.down);
    const answers = (tier: Tier) =>
      regions.length > 0 ? answering(tier, allowed, pack, suppositions, options) : nobody(tier, rule);
    const books = options.books?.get(tenant) ?? [];
    return { tenant, regions, rule, tiers: tiersOf(pack).map(answers), unnamed: unnamed(pack, suppositions, books), books };
  });
  return { tenants, limits: pack.token_budget.limits, breaks: [...brokenBy(suppositions, pack), ...unserved(tenants)] };
}

function answering(
  tier: Tier,
  allowed: readonly string[],
  pack: Pack,
  suppositions: Suppositions,
  { shadowsStandIn }: PlanOptions,
): PlannedTier {
  const { stage, servedAs, candidates, targetMs, deviceNote: note } = tier;
  if (suppositions.down.has(stage)) return nobody(tier, `${stage} is down`);
  const regionOf = (model: string) => pack.models.find(({ id }) => id === model)?.region;
  const supposedMs = (model: string) => supposedOf(model, stage, pack, suppositions);
  const conditions = {
    fallbacksOnly: false,
    substitutions: {},
    shadowsStandIn,
    // A shadow is supposed to have been found good on the copies that it got; nothing is known of that here.
    merit: () => 'good' as const,
    unusable: (model: string) => unusable(model, regionOf(model), suppositions),
  };
  const mostMs = allowedMs(tier, pack);
  const stateOf = (model: string) => breakerOf(stage, mostMs, supposedMs(model));
  const { legs, obstacles } = within(courseOf(servedAs, candidates, conditions, stateOf), allowed, regionOf);
  const [leg] = legs;
  if (leg === undefined) return nobody(tier, obstacles);
  const { model } = leg;
  const because = note === '' ? leg.because : `${leg.because}; ${note}`;
  const p99Ms = supposedMs(model) ?? mostMs;
  return { stage, tier: tier.tier, servedAs, model, because, targetMs, p99Ms, isLate: p99Ms > mostMs };
}

function nobody({ stage, tier, servedAs }: Tier, because: string): PlannedTier {
  return { stage, tier, servedAs, model: null, because, targetMs: null, p99Ms: null, isLate: false };
}

/** A model that runs elsewhere is down with its region. */
function unusable(model: string, region: string | undefined, { down }: Suppositions): string | undefined {
  if (down.has(model)) return 'is down';
  return region !== undefined && down.has(region) ? `runs in ${region}, which is down` : undefined;
}

/** The state that a model's own window would bring its breaker to, after the fewest answers that say anything. */
function breakerOf(stage: Stage, mostMs: number, supposedMs: number | undefined): BreakerState {
  if (supposedMs === undefined) return { kind: 'closed' };
  const window = new LatencyWindow();
  for (let count = 0; count < SAMPLES_MIN; count += 1) window.add({ kind: 'answered', share: supposedMs / mostMs }, 0);
  const breach = window.breach(0);
  if (breach === undefined) return { kind: 'closed' };
  return { ...breach, kind: 'open', because: `a P99 of ${supposedMs} ms is beyond the ${mostMs} ms of ${stage}` };
}

/** What is supposed of a service is supposed of the models that most of its callers get. A breaker is the model's, in all tiers. */
function supposedOf(model: string, stage: Stage, pack: Pack, { p99Ms }: Suppositions): number | undefined {
  return p99Ms.get(model) ?? (usualModels(stage, pack).includes(model) ? p99Ms.get(stage) : undefined);
}
