import type { Pack } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import { tierOf, wantedModels } from './tiers.ts';

const model = (id: string, engine: string) => ({ id, service: 'llm', engine, artifacts: [`${id}-weights`], settings: {} });
const budget = { prompt: 100, answer: 50 };
/** The parts of a pack that tiers are made of. */
const pack = {
  latency_profile: { llm: { target_ms: 500, p99_ms: 1_500 } },
  models: [model('mind', 'gguf'), model('far', 'openai'), model('book', 'phrasebook')],
  llm_tiers: {
    default_tier: 'standard',
    tiers: {
      standard: {
        token_budget: budget,
        candidates: [
          { model: 'mind', role: 'primary' },
          { model: 'far', role: 'fallback' },
          { model: 'book', role: 'fallback' },
        ],
      },
      premium: { token_budget: { prompt: 900, answer: 90 }, served_by_tier: 'standard', candidates: [] },
    },
  },
} as unknown as Pack;

describe('a tier', () => {
  it("is the pack's default where none is named", () => {
    expect(tierOf(pack, '')).toMatchObject({ name: 'standard', servedAs: 'standard', answerTokensMax: 50 });
  });

  it('that is unbound is served by another, with its own budget', () => {
    expect(tierOf(pack, 'premium')).toMatchObject({
      name: 'premium',
      servedAs: 'standard',
      answerTokensMax: 90,
      candidates: [{ model: 'mind' }, { model: 'far' }, { model: 'book' }],
    });
  });

  it.each(['huge', '__proto__', 'constructor', '\u0000'])('that is not there is refused, naming those there are: %s', (name) => {
    expect(() => tierOf(pack, name)).toThrow(/standard, premium/);
  });
});

describe('the models to keep', () => {
  it('in safe mode are fallbacks alone, and never one on a remote machine', () => {
    const modes = Object.fromEntries(wantedModels(pack, 2).map(({ id, inSafeMode }) => [id, inSafeMode]));
    expect(modes).toEqual({ mind: 'unload', far: 'unload', book: 'keep' });
  });

  it('load at once, but fallbacks when they are asked', () => {
    const loads = Object.fromEntries(wantedModels(pack, 2).map(({ id, load }) => [id, load]));
    expect(loads).toEqual({ mind: 'at-once', far: 'standby', book: 'standby' });
  });
});
