import { shown } from '@smartlite/trust';
import type { Plan, PlannedTier, TenantPlan } from './plan.ts';

/** A plan for people: a block for each tenant, the limits of the pack, then what breaks. Pure. */
export function describePlan({ tenants, limits, breaks }: Plan): string {
  const bounds = limits.map(({ scope, unit, window, limit }) => `${limit} ${unit} a ${window} per ${scope}`);
  const lines = [
    ...tenants.flatMap(blockOf),
    ...(bounds.length > 0 ? [`Limits of the pack, the same for every tenant: ${bounds.join(', ')}.`] : []),
    ...(breaks.length === 0 ? ['Nothing breaks.'] : breaks.map((each) => `BREAKS: ${each}`)),
  ];
  // Tenants and rules are whatever the pack's author wrote: none of it may steer the terminal. All of it is shown.
  return lines.map((line) => shown(line, line.length)).join('\n');
}

function blockOf({ tenant, regions, rule, tiers }: TenantPlan): readonly string[] {
  if (regions.length === 0) return [`tenant ${tenant}: refused (${rule})`];
  return [`tenant ${tenant}: in ${regions.join(', ')} (${rule})`, ...tiers.map((tier) => `  ${lineOf(tier)}`)];
}

function lineOf({ stage, tier, servedAs, model, because, targetMs, p99Ms }: PlannedTier): string {
  const name = servedAs === tier ? tier : `${tier} (as ${servedAs})`;
  const head = `${stage.padEnd(4)} ${name.padEnd(22)} ${(model ?? 'nobody').padEnd(16)}`;
  return model === null ? `${head} ${because}` : `${head} ${`P99 ${p99Ms} ms, target ${targetMs} ms`.padEnd(28)} ${because}`;
}
