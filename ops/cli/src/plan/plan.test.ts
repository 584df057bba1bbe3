import { readFileSync } from 'node:fs';
import { parsePack } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import { plan } from './plan.ts';
import { parseSuppositions } from './suppose.ts';

const PACK = parsePack(readFileSync(new URL('../../../MODEL_PACK.json', import.meta.url)));
const planFor = (text: string, shadowsStandIn = true) => plan(PACK, parseSuppositions(text, PACK), shadowsStandIn);
const answering = (text: string, stage: string, shadowsStandIn = true) =>
  planFor(text, shadowsStandIn).tiers.find((each) => each.stage === stage);

describe('a plan', () => {
  it('keeps the primary while its supposed P99 is within the profile', () => {
    expect(answering('asr.p99=900ms', 'asr')).toMatchObject({ model: 'moonshine-base', p99Ms: 900 });
  });

  it('goes to the shadow when the primary is too slow, and says why; without the policy the slow one is better than none', () => {
    expect(answering('asr.p99=5000ms', 'asr')).toMatchObject({ model: 'moonshine-tiny', p99Ms: 1600 });
    expect(answering('asr.p99=5000ms', 'asr')?.because).toContain('a P99 of 5000 ms is beyond the 1600 ms of asr');
    expect(answering('asr.p99=5000ms', 'asr', false)).toMatchObject({ model: 'moonshine-base', p99Ms: 5000 });
  });

  it('goes to the fallback when a model is down, and names tiers that nobody answers', () => {
    expect(answering('flite=down', 'tts')).toMatchObject({ model: 'espeak-ng' });
    expect(planFor('flite=down, espeak-ng=down').breaks).toEqual(['tts tier tts: nobody answers']);
  });

  it('says what breaks when a service is down', () => {
    expect(planFor('verifier=down').breaks.join()).toContain('fail-closed');
    expect(planFor('llm=down').breaks).toContain('llm tier standard: nobody answers');
  });
});

describe('a supposition that is not understood', () => {
  it('is named, with what there is', () => {
    for (const text of ['', 'asr', 'nobody=down', 'asr.p99=fast', 'asr.p99=-1ms', 'asr=down;llm=down'])
      expect(() => parseSuppositions(text, PACK)).toThrow('is not understood');
  });
});
