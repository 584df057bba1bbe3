import type { TenantPlan } from './plan.ts';

/** What is not answered, or too late, each told once; of some tenants alone where it is not so for all. Pure. */
export function unserved(tenants: readonly TenantPlan[]): readonly string[] {
  const refused = tenants.filter(({ regions }) => regions.length === 0);
  const served = tenants.filter((each) => !refused.includes(each));
  const concerned = new Map<string, string[]>();
  for (const each of served)
    for (const fault of faultsOf(each)) concerned.set(fault, [...(concerned.get(fault) ?? []), each.tenant]);
  const faults = [...concerned].map(([fault, names]) =>
    names.length === served.length ? fault : `${fault} (tenant ${names.join(', ')})`,
  );
  return [...refused.map(({ tenant, rule }) => `tenant ${tenant} is refused: ${rule}`), ...faults];
}

function faultsOf({ tiers, unnamed: { short } }: TenantPlan): readonly string[] {
  const unanswered = tiers.flatMap(({ stage, tier, model, p99Ms, isLate }) => {
    if (model === null) return [`${stage} tier ${tier}: nobody answers`];
    return isLate ? [`${stage} tier ${tier}: late, for ${model} has a P99 of ${p99Ms} ms and nobody else is left`] : [];
  });
  return [...unanswered, ...(short === null ? [] : [short])];
}
