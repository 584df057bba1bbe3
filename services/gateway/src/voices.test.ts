import { describe, expect, it } from 'vitest';
import { voiceFor, voiceModels } from './voices.ts';

const MODELS = voiceModels({
  tts_pack: {
    roles: {
      vits_multilingual: { role: 'primary', model: 'singer' },
      understudy: { role: 'shadow', model: 'double' },
      tacotron2: { role: 'fallback', model: 'robot' },
    },
  },
  models: [
    { id: 'singer', settings: { voice: 'anna', voices: ['anna', 'ben'] } },
    { id: 'double', settings: { voice: 'dora', voices: ['dora'] } },
    { id: 'robot', settings: { voice: 'metal', voices: ['metal'] } },
  ],
} as unknown as Parameters<typeof voiceModels>[0]);

describe('the voice that a request means', () => {
  it('is the one it names, whoever has it; else that of the model it names; else nobody’s, which stands for the default', () => {
    const asked = [{ voice: 'metal' }, { voice: 'ben', model: 'vits_multilingual' }, { model: 'tacotron2' }, {}];
    const meant = asked.map((each) => voiceFor(MODELS, { model: '', voice: '', ...each }));
    expect(meant).toEqual(['metal', 'ben', 'metal', '']);
  });

  it('is refused, with the names there are, where nobody has it that callers may choose: a shadow has no callers', () => {
    const refusal = (model: string, voice: string) => () => voiceFor(MODELS, { model, voice });
    expect(refusal('', 'zoe')).toThrow('voice: there is no voice "zoe" here; give one of anna, ben, metal');
    expect(refusal('', 'dora')).toThrow('voice: there is no voice "dora" here');
    expect(refusal('tacotron2', 'ben')).toThrow('voice: there is no voice "ben" here; give one of metal');
    expect(refusal('eleven', '')).toThrow('model: there is no model "eleven" here; give one of vits_multilingual, tacotron2');
  });
});
