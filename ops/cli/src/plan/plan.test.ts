import { readFileSync } from 'node:fs';
import { type Pack, parsePack } from '@smartlite/trust';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describePlan } from './describe.ts';
import { plan } from './plan.ts';
import { parseSuppositions } from './suppose.ts';
import { ANY_OTHER_TENANT } from './tenants.ts';

const PACK = parsePack(readFileSync(new URL('../../../MODEL_PACK.json', import.meta.url)));
const TWO_REGIONS: Pack = {
  ...PACK,
  residency_policy: {
    regions: ['eu', 'us'],
    rules: [
      { name: 'gdpr', tenant: 'acme', allow: ['eu'] },
      { name: 'both', tenant: 'zeta', allow: ['eu', 'us'] },
    ],
  },
};
/** A pack whose language models of the tier standard run elsewhere in part. */
const AWAY: Pack = {
  ...TWO_REGIONS,
  models: TWO_REGIONS.models.map((model) => (model.id === 'nano-standard' ? { ...model, region: 'us' } : model)),
};
const planFor = (text: string, shadowsStandIn = true, pack = PACK, tenants: readonly string[] = []) =>
  plan(pack, parseSuppositions(text, pack), { shadowsStandIn, tenants });
const answering = (text: string, tier: string, shadowsStandIn = true) =>
  planFor(text, shadowsStandIn).tenants[0]?.tiers.find((each) => each.tier === tier);
const BASELINE = 'baseline_conformer';

describe('a plan', () => {
  it('keeps the primary while its supposed P99 is within what its breaker allows', () => {
    expect(answering('asr.p99=1600ms', BASELINE)).toMatchObject({ model: 'moonshine-base', p99Ms: 1600, isLate: false });
  });

  it('expects the target of the tier, and at most what the breaker allows, where nothing is supposed', () => {
    expect(answering('audit=down', BASELINE)).toMatchObject({ model: 'moonshine-base', targetMs: 800, p99Ms: 1600 });
  });

  it('goes to the shadow when the primary is too slow, and says why', () => {
    expect(answering('asr.p99=1601ms', BASELINE)).toMatchObject({ model: 'moonshine-tiny', p99Ms: 1600, isLate: false });
    expect(answering('asr.p99=5000ms', BASELINE)?.because).toContain('a P99 of 5000 ms is beyond the 1600 ms of asr');
  });

  it('stays with the slow one where no shadow may stand in, and says that it is late', () => {
    expect(answering('asr.p99=5000ms', BASELINE, false)).toMatchObject({ model: 'moonshine-base', p99Ms: 5000, isLate: true });
    const late = 'late, for moonshine-base has a P99 of 5000 ms and nobody else is left';
    expect(planFor('asr.p99=5000ms', false).breaks).toEqual([
      `asr tier ${BASELINE}: ${late}`,
      `asr tier enhanced_transducer: ${late}`,
    ]);
  });

  it('supposes of a model what is supposed of it, in every tier that it serves', () => {
    expect(planFor('moonshine-tiny.p99=2000ms').breaks).toEqual([
      'asr tier realtime_streaming: late, for moonshine-tiny has a P99 of 2000 ms and nobody else is left',
    ]);
    expect(answering('moonshine-base.p99=9000ms, moonshine-tiny.p99=9000ms', BASELINE)).toMatchObject({ isLate: true });
  });

  it('goes to the fallback when a model is down, and names tiers that nobody answers', () => {
    expect(answering('flite=down', 'tts')).toMatchObject({ model: 'espeak-ng' });
    expect(planFor('flite=down, espeak-ng=down').breaks).toEqual(['tts tier tts: nobody answers']);
  });

  it('says which tier answers where one is bound to no model', () => {
    expect(answering('audit=down', 'premium')).toMatchObject({ servedAs: 'standard', model: 'nano-standard' });
  });

  it('says what breaks when a service is down, or a model that serves no tier', () => {
    expect(planFor('verifier=down').breaks.join()).toContain('fail-closed');
    expect(planFor('llm=down').breaks).toContain('llm tier standard: nobody answers');
    expect(planFor('silero-v6=down').breaks.join()).toContain('found by its loudness');
    expect(planFor('moonshine-tiny=down').breaks.join()).toContain('no partial transcripts');
  });

  it('tells the limits of the pack', () => {
    expect(planFor('audit=down').limits).toEqual(PACK.token_budget.limits);
  });
});

describe('a plan for requests that name no tier', () => {
  const unnamed = (text: string) => planFor(text).tenants[0]?.unnamed;

  it('sends them to the defaults where nothing is supposed of their callers', () => {
    expect(unnamed('audit=down')).toMatchObject({ asr: { tier: BASELINE, because: '' }, llm: { tier: 'standard' }, short: null });
  });

  it('sends a caller who wants the text sooner to a tier that is soon enough, and says why', () => {
    expect(unnamed('asr.latency=700ms')?.asr).toEqual({
      tier: 'enhanced_transducer',
      because: 'tier enhanced_transducer was chosen: baseline_conformer aims at 800 ms, the caller at 700',
    });
  });

  it('sends a caller who has little left to a smaller tier, and tells what breaks where that is too large as well', () => {
    const { prompt, answer } = PACK.llm_tiers.tiers['lite']?.token_budget ?? { prompt: 0, answer: 0 };
    expect(unnamed(`llm_tokens.left=${prompt + answer}`)).toMatchObject({ llm: { tier: 'lite' }, short: null });
    const [fault] = planFor(`llm_tokens.left=${prompt + answer - 1}`).breaks;
    expect(fault).toContain('llm tier lite: cut short or refused as over-budget');
  });

  it('takes what a tenant has left from the books that it is given, and shows them', () => {
    const row = { scope: 'tenant', subject: 'acme', unit: 'llm_tokens', window: 'day', limit: 500, charged: 260, reserved: 0 };
    const books = new Map([['acme', [{ ...row, left: 240, overrun: 0, refills: '2026-01-02T00:00:00.000Z' }]]]);
    const options = { shadowsStandIn: true, tenants: ['acme', 'zeta'], books };
    const planned = plan(PACK, parseSuppositions('audit=down', PACK), options);
    expect(planned.tenants.map((each) => each.unnamed.llm.tier)).toEqual(['lite', 'standard']);
    expect(describePlan(planned)).toMatch(/tenant acme +llm_tokens a day +240 of 500 left/);
  });
});

describe('a plan for tenants', () => {
  it('is one for each that a rule names, and one for any other, with the regions and the rule', () => {
    const { tenants, breaks } = planFor('flite=down', true, TWO_REGIONS);
    expect(tenants.map(({ tenant, regions, rule }) => [tenant, regions, rule])).toEqual([
      ['acme', ['eu'], 'rule gdpr'],
      ['zeta', ['eu', 'us'], 'rule both'],
      [ANY_OTHER_TENANT, ['eu', 'us'], 'the regions of the policy'],
    ]);
    expect(breaks).toEqual([]);
  });

  it('refuses the tenant whose only region is down, by the rule, and serves the others elsewhere', () => {
    const { tenants, breaks } = planFor('eu=down', true, TWO_REGIONS);
    expect(breaks).toEqual(['tenant acme is refused: nothing is up in eu, where it is kept by rule gdpr']);
    expect(tenants.map(({ tiers }) => tiers.every(({ model }) => model === null))).toEqual([true, false, false]);
    expect(tenants[1]?.regions).toEqual(['us']);
  });

  it('refuses the tenant to whom two rules leave nowhere, and names the rule', () => {
    const rules = [...TWO_REGIONS.residency_policy.rules, { name: 'overseas', tenant: 'acme', allow: ['us'] }];
    const pack = { ...TWO_REGIONS, residency_policy: { ...TWO_REGIONS.residency_policy, rules } };
    expect(planFor('audit=down', true, pack).breaks.join()).toMatch(/tenant acme is refused: .*rule overseas/);
  });

  it('serves nobody where all regions are down', () => {
    const { tenants, breaks } = planFor('eu=down, us=down', true, TWO_REGIONS);
    expect(breaks).toContain('no region: nobody is let in');
    expect(tenants.flatMap(({ tiers }) => tiers.map(({ model }) => model)).filter((model) => model !== null)).toEqual([]);
  });

  it('sends no tenant to a model that runs where it may not, and tells what breaks for that one alone', () => {
    const { tenants, breaks } = planFor('phrasebook=down', true, AWAY);
    const models = tenants.map(({ tiers }) => tiers.find(({ tier }) => tier === 'standard')?.model);
    expect(models).toEqual([null, 'nano-standard', 'nano-standard']);
    expect(breaks).toEqual(['standard', 'premium'].map((tier) => `llm tier ${tier}: nobody answers (tenant acme)`));
  });

  it('loses a model that runs elsewhere with its region', () => {
    const standard = planFor('us=down', true, AWAY).tenants[1]?.tiers.find(({ tier }) => tier === 'standard');
    expect(standard).toMatchObject({ model: 'phrasebook' });
    expect(standard?.because).toContain('nano-standard runs in us, which is down');
  });

  it('never names a region that a rule forbids or that is down, whatever is supposed (in-region)', () => {
    const some = fc.subarray(['eu', 'us', 'flite', 'asr', 'nano-standard', 'phrasebook'], { minLength: 1 });
    fc.assert(
      fc.property(some, fc.subarray(['eu', 'us'], { minLength: 1 }), (down, allow) => {
        const pack: Pack = {
          ...AWAY,
          residency_policy: { regions: ['eu', 'us'], rules: [{ name: 'one', tenant: 'acme', allow }] },
        };
        const [acme] = planFor(down.map((name) => `${name}=down`).join(), true, pack).tenants;
        expect(acme?.regions).toEqual(allow.filter((region) => !down.includes(region)));
        const mayLeave = allow.includes('us') && !down.includes('us');
        expect(mayLeave || acme?.tiers.every(({ model }) => model !== 'nano-standard')).toBe(true);
      }),
    );
  });

  it('can be asked for by name, each once', () => {
    const { tenants } = planFor('audit=down', true, TWO_REGIONS, ['acme', 'new', 'acme']);
    expect(tenants.map(({ tenant, regions }) => [tenant, regions])).toEqual([
      ['acme', ['eu']],
      ['new', ['eu', 'us']],
    ]);
  });
});

describe('a plan for people', () => {
  it('has a block for each tenant, and what breaks', () => {
    const text = describePlan(planFor('eu=down', true, TWO_REGIONS));
    expect(text).toMatch(/^tenant acme: refused \(nothing is up in eu.*\)\ntenant zeta: in us \(rule both\)\n {2}asr /);
    expect(text).toContain('20000 llm_tokens a minute per user');
    expect(text.split('\n').at(-1)).toMatch(/^BREAKS: tenant acme/);
  });

  it('says so when nothing breaks', () => {
    expect(describePlan(planFor('flite=down'))).toMatch(/\nNothing breaks\.$/);
  });

  it('does not let a name in the pack steer the terminal', () => {
    const rules = [{ name: 'gdpr', tenant: 'a\u001b[2J\nNothing breaks.', allow: ['eu'] }];
    const pack = { ...TWO_REGIONS, residency_policy: { regions: ['eu', 'us'], rules } };
    expect(describePlan(planFor('eu=down', true, pack))).not.toMatch(/\u001b|\nNothing/);
  });
});

describe('suppositions that cannot both be', () => {
  it('are refused; the same one twice is one', () => {
    expect(() => parseSuppositions('asr.p99=900ms,asr.p99=901ms', PACK)).toThrow('both 900 and 901 ms');
    expect(parseSuppositions(' asr.p99=900ms , asr.p99=900ms', PACK).p99Ms).toEqual(new Map([['asr', 900]]));
  });
});

describe('a supposition that is not understood', () => {
  it.each([
    '',
    'asr',
    'nobody=down',
    'asr.p99=fast',
    'asr.p99=-1ms',
    'asr=down;llm=down',
    'local.p99=5ms',
    'gateway.p99=5ms',
    'eu=down',
  ])('is named, with what there is: %j', (text) => {
    expect(() => parseSuppositions(text, PACK)).toThrow('is not understood');
  });
});
