import type { Pack } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import { wantedModels } from './tiers.ts';

function pack(...candidates: { model: string; role: string }[]): Pack {
  const models = ['big', 'small', 'ear', 'spare'].map((id) => ({ id, artifacts: [`${id}-weights`] }));
  return {
    asr_pack: {
      default_tier: 'careful',
      vad: 'ear',
      partials: 'small',
      tiers: { careful: { candidates }, quick: { candidates: [{ model: 'small', role: 'primary' }] } },
    },
    latency_profile: { asr: { target_ms: 800, p99_ms: 1_600 } },
    models,
  } as unknown as Pack;
}

describe('the models of a pack', () => {
  it('are each kept once, the detector first, under the tier and role that come first', () => {
    const wanted = wantedModels(pack({ model: 'big', role: 'primary' }, { model: 'small', role: 'shadow' }));
    expect(wanted.map(({ id, tier, role }) => [id, tier, role])).toEqual([
      ['ear', '', 'detector'],
      ['big', 'careful', 'primary'],
      ['small', 'careful', 'shadow'],
    ]);
    expect(wanted[1]?.artifacts).toEqual(['big-weights']);
  });

  it('that are fallbacks load when they are needed and stay in safe mode, with the detector that they need', () => {
    const wanted = wantedModels(pack({ model: 'big', role: 'primary' }, { model: 'spare', role: 'fallback' }));
    expect(Object.fromEntries(wanted.map(({ id, load, inSafeMode }) => [id, `${load} ${inSafeMode}`]))).toEqual({
      ear: 'at-once keep',
      big: 'at-once unload',
      spare: 'standby keep',
      small: 'at-once unload',
    });
  });

  it('that make partials are loaded at once even where they are a fallback, too', () => {
    const wanted = wantedModels(pack({ model: 'big', role: 'primary' }, { model: 'small', role: 'fallback' }));
    expect(wanted.find(({ id }) => id === 'small')).toMatchObject({ load: 'at-once', inSafeMode: 'keep' });
  });
});
