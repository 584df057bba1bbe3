import { manualClock } from '@smartlite/testkit';
import { allowedRegions, type BreakerState, type Candidate, courseOf, within } from '@smartlite/resilience';
import { MeshError } from '@smartlite/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { choose } from '../../../libs/chassis/src/discovery/choose.ts';
import { Directory } from '../../../libs/chassis/src/discovery/directory.ts';

// The functions that the services run, one after the other, as a request meets them: the policy at the gateway, the choice of an
// instance for each try, and in that instance the course of models. Random packs, instances, and whatever may fail.

const REGIONS = ['eu', 'us', 'ap'] as const;
const CASES = 4_000;
const region = fc.constantFrom(...REGIONS);
const someRegions = fc.uniqueArray(region, { maxLength: 3 });
const policy = fc.record({
  regions: fc.uniqueArray(region, { minLength: 1, maxLength: 3 }),
  rules: fc.array(
    fc.record(
      {
        name: fc.constantFrom('one', 'two'),
        tenant: fc.constantFrom('acme', 'other'),
        allow: fc.uniqueArray(region, { minLength: 1 }),
      },
      { requiredKeys: ['name', 'allow'] },
    ),
    { maxLength: 3 },
  ),
});
const instance = fc.record({ region, ready: fc.boolean(), ejected: fc.boolean(), inflight: fc.nat(9), fails: fc.boolean() });
const state = fc.constantFrom<BreakerState>(
  { kind: 'closed' },
  { kind: 'open', cause: 'slow', because: 'slow' },
  { kind: 'open', cause: 'failing', because: 'failing' },
  { kind: 'half-open', cause: 'failing', because: 'probing' },
);
const model = fc.record({
  role: fc.constantFrom<Candidate['role']>('primary', 'shadow', 'fallback'),
  region: fc.option(region, { nil: undefined }),
  state,
  merit: fc.constantFrom<'good' | 'bad' | 'unmeasured'>('good', 'bad', 'unmeasured'),
});
const world = fc.record({
  policy,
  tenant: fc.constantFrom('acme', 'other'),
  bound: someRegions,
  asked: someRegions,
  instances: fc.array(instance, { maxLength: 6 }),
  models: fc.array(model, { maxLength: 5 }),
  safe: fc.boolean(),
  standIn: fc.boolean(),
  chances: fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 8, maxLength: 8 }),
});
type World = typeof world extends fc.Arbitrary<infer T> ? T : never;

/** Places that a request's data comes to: instances that are tried, and remote models that are asked, probed or shadowed. */
function hopsOf(given: World, allowed: readonly string[]): readonly string[] {
  const directory = new Directory(manualClock());
  for (const [index, each] of given.instances.entries()) {
    const identity = { instance: `i${index}`, region: each.region, grpc: '', metrics: '', pid: '1', version: '1' };
    const { inflight, ready } = each;
    const load = {
      mode: 'normal' as const,
      epochApplied: 1,
      inflight,
      queued: 0,
      ready,
      models: [],
      breakers: [],
      addresses: {},
    };
    directory.see({ service: 'llm', identity, load });
  }
  const avoid = new Set<string>();
  const hops: string[] = [];
  // Every instance may fail, and is then avoided: all of them are tried that ever would be.
  for (const chance of given.chances) {
    const choice = choose(directory.live(), {
      regions: allowed,
      avoid,
      underWay: () => 0,
      latencyMs: () => undefined,
      isEjected: (name) => given.instances[Number(name.slice(1))]?.ejected === true,
      chance: () => chance,
    });
    if (choice.kind !== 'chosen') break;
    hops.push(choice.instance.region, ...remoteHops(given, allowed));
    if (given.instances[Number(choice.instance.instance.slice(1))]?.fails !== true) break;
    avoid.add(choice.instance.instance);
  }
  return hops;
}

function remoteHops({ models, safe, standIn }: World, allowed: readonly string[]): readonly string[] {
  const candidates = models.map(({ role }, index) => ({ model: `m${index}`, role }));
  const of = (name: string) => models[Number(name.slice(1))];
  const conditions = {
    fallbacksOnly: safe,
    substitutions: {},
    shadowsStandIn: standIn,
    merit: (name: string) => of(name)?.merit ?? 'unmeasured',
    unusable: () => undefined,
  };
  const course = courseOf('tier', candidates, conditions, (name) => of(name)?.state ?? { kind: 'closed' });
  const { legs, probes, shadows } = within(course, allowed, (name) => of(name)?.region);
  return [...legs, ...probes, ...shadows].flatMap((leg) => of(leg.model)?.region ?? []);
}

describe('a request (in-region)', () => {
  it('comes to no region that the policy, a rule, the key or the request itself forbids: no try, failover, probe or shadow does', () => {
    let refused = 0;
    let served = 0;
    fc.assert(
      fc.property(world, (given) => {
        const { policy: rules, tenant, bound, asked } = given;
        const forbids = (place: string) =>
          !rules.regions.some((each) => each === place) ||
          (bound.length > 0 && !bound.some((each) => each === place)) ||
          (asked.length > 0 && !asked.some((each) => each === place)) ||
          rules.rules.some((rule) => (rule.tenant ?? tenant) === tenant && !rule.allow.some((each) => each === place));
        let allowed: readonly string[];
        try {
          allowed = allowedRegions(rules, { tenant, bound, asked }).regions;
        } catch (caught) {
          refused += 1;
          expect(caught).toBeInstanceOf(MeshError);
          expect(caught).toMatchObject({ code: 'no-compliant-region', facts: { rule: expect.stringMatching(/./) } });
          expect(REGIONS.every(forbids)).toBe(true);
          return;
        }
        const hops = hopsOf(given, allowed);
        served += hops.length > 0 ? 1 : 0;
        expect(hops.filter(forbids)).toEqual([]);
      }),
      { numRuns: CASES },
    );
    // Neither half of the promise is shown by cases that never come up.
    expect([refused > CASES / 20, served > CASES / 20]).toEqual([true, true]);
  });
});
