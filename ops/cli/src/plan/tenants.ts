import { MeshError } from '@smartlite/contracts';
import { allowedRegions } from '@smartlite/resilience';
import type { Pack } from '@smartlite/trust';

/** Stands for every tenant that no rule of the pack names. */
export const ANY_OTHER_TENANT = '(any other)';

export interface TenantRegions {
  readonly tenant: string;
  /** Where its requests may go; empty: nowhere. */
  readonly allowed: readonly string[];
  /** Those of them that are up; empty: its requests are refused. */
  readonly regions: readonly string[];
  /** What keeps its requests there, and, where no region is left, why. */
  readonly rule: string;
}

/** The tenants that are asked for; else those that the pack's rules name, and any other. Pure. */
export function tenantsOf({ residency_policy: { rules } }: Pack, asked: readonly string[] = []): readonly string[] {
  const named = rules.flatMap(({ tenant }) => (tenant === undefined ? [] : [tenant]));
  return [...new Set(asked.length > 0 ? asked : [...named, ANY_OTHER_TENANT])];
}

/** By the function that the gateway decides by, for a key that is bound to no region; a region that is down serves nobody. Pure. */
export function regionsOf(tenant: string, { residency_policy: policy }: Pack, down: ReadonlySet<string>): TenantRegions {
  try {
    const { regions: allowed, rule } = allowedRegions(policy, { tenant, bound: [], asked: [] });
    const regions = allowed.filter((region) => !down.has(region));
    const left = regions.length > 0 ? rule : `nothing is up in ${allowed.join(', ')}, where it is kept by ${rule}`;
    return { tenant, allowed, regions, rule: left };
  } catch (caught) {
    return { tenant, allowed: [], regions: [], rule: MeshError.from(caught).message };
  }
}
