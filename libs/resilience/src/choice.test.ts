import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AnswerWish, chooseAnswer, chooseRecognition, type Device, deviceNote, type RecognitionWish } from './choice.ts';

const primary = { model: 'm', role: 'primary' as const };
const fallback = { model: 'f', role: 'fallback' as const };
const hearing = (target_ms: number, device: Device, ...candidates: (typeof primary | typeof fallback)[]) => ({
  target_ms,
  device,
  candidates: candidates.length > 0 ? candidates : [primary],
});
const ASR = {
  default_tier: 'base',
  tiers: { base: hearing(800, 'cpu'), enhanced: hearing(650, 'gpu'), quick: hearing(600, 'cpu'), live: hearing(250, 'gpu') },
};
const answering = (answer: number, ...candidates: (typeof primary | typeof fallback)[]) => ({
  token_budget: { answer },
  candidates,
});
const LLM = {
  default_tier: 'standard',
  tiers: {
    tiny: answering(8, primary),
    standard: answering(64, primary),
    lite: answering(48, primary, fallback),
    premium: { ...answering(256), served_by_tier: 'standard' },
  },
};
const hear = (wish: Partial<RecognitionWish>) =>
  chooseRecognition(ASR, { asked: '', mode: 'normal', latencyMs: 0, devices: new Set<Device>(['cpu']), ...wish });
const answer = (wish: Partial<AnswerWish>) =>
  chooseAnswer(LLM, { asked: '', mode: 'normal', promptTokens: 12, tokensLeft: undefined, ...wish });

describe('the ASR tier of a request', () => {
  it('is the one that is named, whatever else is wished', () => {
    expect(hear({ asked: 'live', latencyMs: 900, mode: 'safe' })).toEqual({ tier: 'live', because: '' });
  });

  it('is the default where nobody wishes anything, or where it is soon enough', () => {
    expect([hear({}), hear({ latencyMs: 800 })].map(({ tier, because }) => tier + because)).toEqual(['base', 'base']);
  });

  it('is the slowest of those that are soon enough and whose device is there, and says why', () => {
    expect(hear({ latencyMs: 799 })).toEqual({
      tier: 'quick',
      because: 'tier quick was chosen: base aims at 800 ms, the caller at 799',
    });
    expect(hear({ latencyMs: 799, devices: new Set<Device>(['cpu', 'gpu']) }).tier).toBe('enhanced');
  });

  it('is one that would rather have another device where no other is soon enough', () => {
    expect(hear({ latencyMs: 300 }).tier).toBe('live');
    expect(deviceNote('live', 'gpu')).toBe('tier live prefers a gpu and is served on cpu');
    expect(deviceNote('base', 'cpu')).toBe('');
  });

  it('is the quickest where none is soon enough, and says so', () => {
    expect(hear({ latencyMs: 100 })).toEqual({
      tier: 'live',
      because: 'tier live was chosen: base aims at 800 ms, the caller at 100, and no tier is sooner than 250 ms',
    });
  });

  it('never aims later than the wish, where any tier of the pack does not', () => {
    const tiers = fc.dictionary(
      fc.constantFrom('a', 'b', 'c', 'd'),
      fc.record({
        target_ms: fc.integer({ min: 1, max: 2_000 }),
        device: fc.constantFrom<Device>('cpu', 'gpu'),
        candidates: fc.constant([primary]),
      }),
      { minKeys: 1 },
    );
    const check = (pack: typeof ASR.tiers & Record<string, ReturnType<typeof hearing>>, latencyMs: number) => {
      const wish = { asked: '', mode: 'normal', latencyMs, devices: new Set<Device>(['cpu']) };
      const chosen = chooseRecognition({ default_tier: Object.keys(pack)[0] ?? '', tiers: pack }, wish).tier;
      const soonest = Math.min(...Object.values(pack).map((each) => each.target_ms));
      expect(pack[chosen]?.target_ms ?? Number.NaN).toBeLessThanOrEqual(Math.max(latencyMs, soonest));
    };
    fc.assert(fc.property(tiers, fc.integer({ min: 1, max: 2_500 }), (pack, latencyMs) => check(pack as never, latencyMs)));
  });
});

describe('the LLM tier of a request', () => {
  it('is the one that is named, also where the caller has not enough left for it', () => {
    expect(answer({ asked: 'premium', tokensLeft: 1n })).toEqual({ tier: 'premium', because: '' });
  });

  it('is the default while its longest answer fits what is left, and where nobody counts', () => {
    expect([answer({ tokensLeft: 76n }), answer({})].map(({ tier, because }) => tier + because)).toEqual([
      'standard',
      'standard',
    ]);
  });

  it('is the largest that fits what is left, and says why', () => {
    expect(answer({ tokensLeft: 75n })).toEqual({
      tier: 'lite',
      because: 'tier lite was chosen: standard may take 76 tokens, and the caller has 75 left',
    });
    expect(answer({ tokensLeft: 59n }).tier).toBe('tiny');
  });

  it('is the smallest where none fits: what the budget makes of that is the budget’s', () => {
    expect(answer({ tokensLeft: 0n }).tier).toBe('tiny');
  });

  it('is in safe mode one that has a fallback', () => {
    expect(answer({ mode: 'safe' })).toEqual({
      tier: 'lite',
      because: 'tier lite was chosen: safe mode leaves fallbacks alone, and standard has none',
    });
    expect(answer({ mode: 'safe', tokensLeft: 0n }).tier).toBe('lite');
  });
});
