import { MeshError } from '@smartlite/contracts';
import type { Pack } from '@smartlite/trust';
import { z } from 'zod';

const voiceSettings = z.object({ voice: z.string(), voices: z.array(z.string()) });

/** A model of the TTS pack as callers name it, and the voices that it has. */
export interface VoiceModel {
  readonly name: string;
  readonly voices: readonly string[];
  readonly defaultVoice: string;
}

/** Who has which voices, in the pack's order. A model that says nothing of its voices has none; nobody chooses a shadow. */
export function voiceModels({ tts_pack: { roles }, models }: Pick<Pack, 'tts_pack' | 'models'>): readonly VoiceModel[] {
  const chosen = Object.entries(roles).filter(([, { role }]) => role !== 'shadow');
  return chosen.map(([name, { model }]) => {
    const { data } = voiceSettings.safeParse(models.find(({ id }) => id === model)?.settings);
    return { name, voices: data?.voices ?? [], defaultVoice: data?.voice ?? '' };
  });
}

/**
 * The voice that a request means: the one it names, else that of the model it names, else none, which stands for the default. Throws
 * `invalid-argument`, with the names there are, for one that is not there. Pure.
 */
export function voiceFor(
  models: readonly VoiceModel[],
  { model, voice }: { readonly model: string; readonly voice: string },
): string {
  const asked = models.filter(({ name }) => model === '' || name === model);
  if (asked.length === 0)
    throw unknown(
      'model',
      model,
      models.map(({ name }) => name),
    );
  const voices = [...new Set(asked.flatMap((each) => each.voices))];
  if (voice !== '' && !voices.includes(voice)) throw unknown('voice', voice, voices);
  return voice === '' && model !== '' ? (asked[0]?.defaultVoice ?? '') : voice;
}

function unknown(what: string, asked: string, known: readonly string[]): MeshError {
  return new MeshError(
    'invalid-argument',
    `${what}: there is no ${what} ${JSON.stringify(asked.slice(0, 40))} here; give one of ${known.join(', ')}`,
  );
}
