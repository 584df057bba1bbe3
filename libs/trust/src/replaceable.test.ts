import { describe, expect, it } from 'vitest';
import type { Pack } from './pack.ts';
import { replaceable } from './replaceable.ts';

const candidates = (...models: string[]) => ({ candidates: models.map((model) => ({ model })) });
const PACK = {
  artifacts: ['ears-a', 'mind-a', 'other-mind-a', 'singer-a', 'double-a', 'robot-a', 'spare-a'].map((id) => ({ id })),
  models: ['ears', 'mind', 'other-mind', 'singer', 'double', 'robot', 'spare'].map((id) => ({ id, artifacts: [`${id}-a`] })),
  asr_pack: { vad: 'ears', partials: 'ears', tiers: { base: candidates('ears') } },
  llm_tiers: { tiers: { lite: candidates('mind', 'other-mind'), full: candidates('mind', 'robot-mind') } },
  tts_pack: {
    roles: {
      last: { role: 'fallback', model: 'robot' },
      first: { role: 'primary', model: 'singer' },
      copy: { role: 'shadow', model: 'double' },
    },
  },
} as unknown as Pack;

const ALL = new Set(PACK.artifacts.map(({ id }) => id));

/** What stands in for the models that need this artifact, while these others are not verified. */
function standInsFor(artifact: string, ...unverified: string[]) {
  const verified = new Set([...ALL].filter((id) => id !== artifact && !unverified.includes(id)));
  return replaceable(PACK, verified).find((each) => each.artifact === artifact)?.models;
}

describe('what stands in for a model whose artifact is missing', () => {
  it('is among the voices the shadow, and the fallback where that is not whole either', () => {
    expect(standInsFor('singer-a')).toEqual({ singer: 'double' });
    expect(standInsFor('singer-a', 'double-a')).toEqual({ singer: 'robot' });
  });

  it('is nobody where one of its tiers has no other whole candidate', () => {
    expect([standInsFor('ears-a'), standInsFor('mind-a')]).toEqual([{ ears: null }, { mind: null }]);
  });

  it('is not asked for a model that serves nobody', () => {
    expect(standInsFor('spare-a')).toEqual({});
  });
});
