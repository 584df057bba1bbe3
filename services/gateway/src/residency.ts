import { MeshError } from '@smartlite/contracts';
import type { Pack } from '@smartlite/trust';

/** Who wants what to stay where. */
export interface Wish {
  readonly tenant: string;
  /** Regions that the API key is bound to; empty: all of the policy. */
  readonly bound: readonly string[];
  /** Regions that this one request asks for; empty: no wish. */
  readonly asked: readonly string[];
}

/**
 * The regions that may see a request's data: those of the policy that every rule, the key and the request itself allow. Empty where
 * nobody limits them. Throws `no-compliant-region`, naming what left none.
 */
export function allowedRegions({ rules }: Pack['residency_policy'], { tenant, bound, asked }: Wish): readonly string[] {
  const limits = [
    ...rules
      .filter((rule) => rule.tenant === undefined || rule.tenant === tenant)
      .map(({ name, allow }) => ({ name: `rule ${name}`, allow })),
    { name: 'the API key', allow: bound },
    { name: 'x-smartlite-region', allow: asked },
  ].filter(({ allow }) => allow.length > 0);
  let regions: readonly string[] | undefined;
  for (const { name, allow } of limits) {
    regions = regions?.filter((region) => allow.includes(region)) ?? allow;
    if (regions.length === 0)
      throw new MeshError(
        'no-compliant-region',
        `no region is left that may see this request: ${name} allows ${allow.join(', ')} only`,
        {
          facts: { rule: name },
        },
      );
  }
  return regions ?? [];
}
