import { shown } from '@smartlite/trust';
import { usageLine } from '../budget/words.ts';
import type { Plan, PlannedTier, TenantPlan } from './plan.ts';
import type { Unnamed } from './unnamed.ts';

/** A plan for people: a block for each tenant, the limits of the pack, then what breaks. Pure. */
export function describePlan({ tenants, limits, breaks }: Plan): string {
  const bounds = limits.map(({ scope, unit, window, limit }) => `${limit} ${unit} a ${window} per ${scope}`);
  const lines = [
    ...tenants.flatMap(blockOf),
    ...(bounds.length > 0 ? [`Limits of the pack, where no operator has set another: ${bounds.join(', ')}.`] : []),
    ...(breaks.length === 0 ? ['Nothing breaks.'] : breaks.map((each) => `BREAKS: ${each}`)),
  ];
  // Tenants and rules are whatever the pack's author wrote: none of it may steer the terminal. All of it is shown.
  return lines.map((line) => shown(line, line.length)).join('\n');
}

function blockOf({ tenant, regions, rule, tiers, unnamed, books }: TenantPlan): readonly string[] {
  if (regions.length === 0) return [`tenant ${tenant}: refused (${rule})`];
  return [
    `tenant ${tenant}: in ${regions.join(', ')} (${rule})`,
    ...tiers.map((tier) => `  ${lineOf(tier)}`),
    ...(['asr', 'llm'] as const).map((stage) => `  ${unnamedLine(stage, unnamed[stage])}`),
    ...books.map((row) => `  ${usageLine(row)}`),
  ];
}

function unnamedLine(stage: string, { tier, because }: Unnamed['asr']): string {
  return `${stage.padEnd(4)} ${'no tier named'.padEnd(22)} ${tier.padEnd(16)} ${because || 'the default'}`;
}

function lineOf({ stage, tier, servedAs, model, because, targetMs, p99Ms }: PlannedTier): string {
  const name = servedAs === tier ? tier : `${tier} (as ${servedAs})`;
  const head = `${stage.padEnd(4)} ${name.padEnd(22)} ${(model ?? 'nobody').padEnd(16)}`;
  return model === null ? `${head} ${because}` : `${head} ${`P99 ${p99Ms} ms, target ${targetMs} ms`.padEnd(28)} ${because}`;
}
