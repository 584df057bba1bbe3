import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Pack, parsePack } from './pack.ts';

const PACK = JSON.parse(readFileSync(new URL('../../../ops/MODEL_PACK.json', import.meta.url), 'utf8')) as Pack;
const RULE = { name: 'eu-only', tenant: 'acme', allow: ['eu'] };

/** What a pack is refused for whose standard model runs elsewhere; undefined when it is not. */
function refusal(
  more: { readonly region?: string; readonly engine?: string },
  rules: (typeof RULE)[] = [RULE],
): string | undefined {
  const models = PACK.models.map((model) => (model.id === 'nano-standard' ? { ...model, ...more } : model));
  const pack = { ...PACK, models, residency_policy: { regions: ['eu', 'us'], rules } };
  try {
    parsePack(Buffer.from(JSON.stringify(pack)));
    return undefined;
  } catch (caught) {
    return (caught as Error).message;
  }
}

describe('a pack (in-region)', () => {
  it('is taken where every model stays in the regions that each rule allows', () => {
    expect([refusal({}), refusal({ region: 'eu' }), refusal({ region: 'us' }, [])]).toEqual([undefined, undefined, undefined]);
  });

  it('is refused where a route would leave them, with the rule and the place', () => {
    expect(refusal({ region: 'us' })).toContain(
      '/llm_tiers/tiers/standard/candidates/0/model: the model nano-standard runs in us, and rule eu-only allows eu only',
    );
    expect(refusal({ region: 'mars' }, [])).toContain('runs in mars, which is no region of the policy');
  });

  it('is refused where what tells speech from silence, or shows partial texts, would leave them', () => {
    const models = PACK.models.map((model) => (model.id === PACK.asr_pack.vad ? { ...model, region: 'us' } : model));
    const pack = { ...PACK, models, residency_policy: { regions: ['eu', 'us'], rules: [RULE] } };
    expect(() => parsePack(Buffer.from(JSON.stringify(pack)))).toThrow(/\/asr_pack\/vad: the model .* has a region/);
  });

  it('is refused where rules are given and nobody says where a remote model gets its data', () => {
    expect(refusal({ engine: 'openai' })).toContain('runs on another machine and the policy has rules: give its region');
    expect(refusal({ engine: 'openai' }, [])).toBeUndefined();
  });
});

describe('a lexicon', () => {
  it.each([
    ['QDRANT', 'is there twice'],
    ['Qdránt', 'is there twice'],
    ['Quadrant', undefined],
  ])('has each term once, whatever its case and accents: Qdrant and %s', (term, fault) => {
    const pronunciations = ['Qdrant', term].map((each) => ({ term: each, ipa: 'wɪn' }));
    const read = () => parsePack(Buffer.from(JSON.stringify({ ...PACK, lexicon: { pronunciations, domain_terms: [] } })));
    if (fault === undefined) expect(read).not.toThrow();
    else expect(read).toThrow(`/lexicon/pronunciations/1/term: ${fault}`);
  });
});
