import { MeshError } from '@smartlite/contracts';

/** Where the data of requests may go: `residency_policy` of the pack. */
export interface ResidencyPolicy {
  readonly regions: readonly string[];
  /** A rule without a tenant is for all. */
  readonly rules: readonly {
    readonly name: string;
    readonly tenant?: string | undefined;
    readonly allow: readonly string[];
  }[];
}

/** Who wants what to stay where. */
export interface Wish {
  readonly tenant: string;
  /** Regions that the API key is bound to; empty: all of the policy. */
  readonly bound: readonly string[];
  /** Regions that this one request asks for; empty: no wish. */
  readonly asked: readonly string[];
}

/** Regions that may see a request's data, and what leaves no others. */
export interface Allowed {
  readonly regions: readonly string[];
  /** Names of the rules, in the order in which they were applied; never empty. */
  readonly rule: string;
}

/**
 * The regions that may see a request's data: those of the policy that every rule, the key and the request itself allow. Never empty:
 * throws `no-compliant-region`, naming what left none. Pure.
 */
export function allowedRegions({ regions: all, rules }: ResidencyPolicy, { tenant, bound, asked }: Wish): Allowed {
  const limits = [
    ...rules
      .filter((rule) => rule.tenant === undefined || rule.tenant === tenant)
      .map(({ name, allow }) => ({ name: `rule ${name}`, allow })),
    { name: 'the API key', allow: bound },
    { name: 'x-smartlite-region', allow: asked },
  ].filter(({ allow }) => allow.length > 0);
  let regions: readonly string[] = all;
  for (const { name, allow } of limits) {
    regions = regions.filter((region) => allow.includes(region));
    if (regions.length === 0) throw none(`${name} allows ${allow.join(', ')} only`, name);
  }
  return { regions, rule: limits.map(({ name }) => name).join(', ') || 'the regions of the policy' };
}

/** A refusal of the mesh, that nobody in these regions can serve, with the rule that keeps the request there. */
export function nameTheRule(caught: unknown, { regions, rule }: Allowed): unknown {
  if (!(caught instanceof MeshError) || caught.code !== 'no-compliant-region' || caught.facts['rule'] !== undefined)
    return caught;
  return none(`${rule} allows ${regions.join(', ')} only, and nobody there can serve it`, rule);
}

function none(because: string, rule: string): MeshError {
  return new MeshError('no-compliant-region', `no region is left that may see this request: ${because}`, { facts: { rule } });
}
