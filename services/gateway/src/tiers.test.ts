import type { Call } from '@smartlite/chassis';
import { DEFAULT_MODELS, scriptedPack } from '@smartlite/testkit';
import { MeshError } from '@smartlite/contracts';
import { describe, expect, it } from 'vitest';
import type { Ports } from './engine.ts';
import type { KnownPack } from './packinforce.ts';
import { servedIn, TierChoice } from './tiers.ts';
import { sized } from './turn/sized.ts';

const SCRIPTED = scriptedPack(DEFAULT_MODELS, '.');
const { lite, standard } = SCRIPTED.llm_tiers.tiers;
if (!lite || !standard) throw new Error('the scripted pack has lost its tiers');
const PACK = {
  ...SCRIPTED,
  llm_tiers: {
    default_tier: 'standard',
    tiers: { lite: { ...lite, token_budget: { prompt: 100, answer: 10 } }, standard },
  },
};
const NEED = 7 + standard.token_budget.answer;

const choice = (known: KnownPack = { kind: 'known', pack: PACK }) =>
  new TierChoice({ current: async () => known }, { current: () => ({ mode: 'normal' }) as never });

describe('the tier that the gateway sends a request to', () => {
  it('is left to the service where nothing speaks against its default', async () => {
    expect(await choice().recognition('', 0)).toEqual({ tier: '', because: '' });
    expect(await choice().answer('', 7, BigInt(NEED))).toEqual({ tier: '', because: '' });
  });

  it('is as asked while the pack cannot be read: the service has read its own', async () => {
    const unknown: KnownPack = { kind: 'unknown', error: new MeshError('unavailable', 'gone') };
    expect(await choice(unknown).answer('premium', 7, 0n)).toEqual({ tier: 'premium', because: '' });
  });

  it('is told with the model that answered', () => {
    const by = { because: 'primary of tier lite' } as Parameters<typeof servedIn>[1];
    expect(servedIn({ tier: 'lite', because: 'tier lite was chosen: …' }, by)?.because).toBe(
      'primary of tier lite; tier lite was chosen: …',
    );
    expect(servedIn({ tier: '', because: '' }, by)).toBe(by);
  });
});

describe('a question', () => {
  /** What a question is counted for, and where it goes, when its caller has so many tokens left. */
  async function asked(tokensLeft: bigint | undefined, { tier = '', held = 0 } = {}) {
    const counted: string[] = [];
    const countTokens = async ({ tier: counting }: { tier: string }) => {
      counted.push(counting);
      return { promptTokens: 7, answerTokensMax: counting === 'lite' ? 10 : 128, promptTokensMax: 512 };
    };
    const ports = {
      llm: { countTokens },
      tokensLeft: async () => tokensLeft,
      tiers: choice(),
    } as unknown as Ports;
    const { chosen, size } = await sized(ports, { messages: [], tier }, { signal: new AbortController().signal } as Call, {
      held,
    });
    return { tier: chosen.tier, answerTokensMax: size.answerTokensMax, counted };
  }

  it('is counted once where its caller has enough left, or names its tier', async () => {
    expect((await asked(BigInt(NEED - 32), { held: 32 })).counted).toEqual(['']);
    expect(await asked(BigInt(NEED))).toEqual({ tier: '', answerTokensMax: 128, counted: [''] });
    expect(await asked(0n, { tier: 'standard' })).toEqual({ tier: 'standard', answerTokensMax: 128, counted: ['standard'] });
  });

  it('goes to a smaller tier, and is counted for that, where the default’s longest answer is more than is left', async () => {
    expect(await asked(BigInt(NEED - 1))).toEqual({ tier: 'lite', answerTokensMax: 10, counted: ['', 'lite'] });
  });
});
