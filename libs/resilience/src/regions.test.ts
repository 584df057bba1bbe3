import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allowedRegions } from './regions.ts';

const region = fc.constantFrom('eu', 'us', 'ap');
const regions = fc.uniqueArray(region, { maxLength: 3 });
const tenant = fc.constantFrom('acme', 'other');
const rule = fc.record(
  { name: fc.constantFrom('one', 'two'), tenant, allow: fc.uniqueArray(region, { minLength: 1, maxLength: 3 }) },
  { requiredKeys: ['name', 'allow'] },
);

describe('allowed regions (in-region)', () => {
  it('are never one that a rule, the key or the request forbids; refused when none is left', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 4 }), tenant, regions, regions, (rules, who, bound, asked) => {
        const limits = [
          ...rules.filter((each) => each.tenant === undefined || each.tenant === who).map(({ allow }) => allow),
          bound,
          asked,
        ].filter((limit) => limit.length > 0);
        const left = (['eu', 'us', 'ap'] as const).filter((each) => limits.every((limit) => limit.includes(each)));
        const allowed = () => allowedRegions({ regions: ['eu', 'us', 'ap'], rules }, { tenant: who, bound, asked });
        if (left.length === 0) expect(allowed).toThrow(expect.objectContaining({ code: 'no-compliant-region' }));
        else expect([...allowed().regions].sort()).toEqual([...left].sort());
      }),
    );
  });
});
