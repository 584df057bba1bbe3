import type { WantedModel } from '@smartlite/chassis';
import { MeshError } from '@smartlite/contracts';
import { type Candidate, hungAfterMs, primaryFirst, speechAllowedMs } from '@smartlite/resilience';
import type { Pack } from '@smartlite/trust';
import { z } from 'zod';
import { TEXT_CHARACTERS_MAX } from './speakable.ts';

/** A synthesiser makes one text after the other: a second one would wait in its process, where nobody can tell waiting from being slow. */
const TEXTS_AT_ONCE = 1;

/** A model of the TTS pack, as what it serves, and the voices that it has. */
export interface Speaker extends Candidate {
  /** Its name in the pack, for example `vits_multilingual`. */
  readonly name: string;
  readonly defaultVoice: string;
  readonly voices: readonly string[];
}

const voiceSettings = z.object({ voice: z.string().min(1), voices: z.array(z.string().min(1)).min(1) });

/** The speakers of a pack, primary first. Throws when a model of the TTS pack says nothing of its voices. */
export function speakersOf({ tts_pack: { roles }, models }: Pack): readonly Speaker[] {
  const speakers = Object.entries(roles).map(([name, { role, model }]) => {
    const { voice: defaultVoice, voices } = voiceSettings.parse(models.find(({ id }) => id === model)?.settings);
    return { name, role, model, defaultVoice, voices };
  });
  return primaryFirst(speakers);
}

/** Throws `invalid-argument` for a voice that no speaker has but a shadow, which no caller chooses; empty stands for each speaker's own. */
export function requireVoice(speakers: readonly Speaker[], asked: string): void {
  const voices = [...new Set(speakers.filter(({ role }) => role !== 'shadow').flatMap((speaker) => speaker.voices))];
  if (asked === '' || voices.includes(asked)) return;
  throw new MeshError(
    'invalid-argument',
    `voice: there is no voice ${JSON.stringify(asked.slice(0, 40))}; give one of ${voices.join(', ')}`,
  );
}

/**
 * The speakers in the order in which they are asked: those who have the voice come first, for whoever names one wants to hear it. Empty
 * stands for no wish. Pure.
 */
export function whoHasItFirst(speakers: readonly Speaker[], asked: string): readonly Speaker[] {
  const has = ({ voices }: Speaker) => asked === '' || voices.includes(asked);
  return [...speakers.filter(has), ...speakers.filter((speaker) => !has(speaker))];
}

/** The voice that a speaker uses: the one asked for, or its own where it has not got that one; and then, why. */
export function voiceOf({ voices, defaultVoice }: Speaker, asked: string): { readonly voice: string; readonly instead?: string } {
  if (asked === '' || voices.includes(asked)) return { voice: asked || defaultVoice };
  return { voice: defaultVoice, instead: `it has no voice ${asked} and spoke in its own, ${defaultVoice}` };
}

/** Models to keep: primary and shadow at once; the fallback stands by, also in safe mode. */
export function wantedModels(pack: Pack): readonly WantedModel[] {
  const longestMs = speechAllowedMs(pack.latency_profile.tts, TEXT_CHARACTERS_MAX);
  // Both embedded synthesisers make all of a text before they give its first sound: a slow reader holds up nobody after that.
  const work = { concurrency: TEXTS_AT_ONCE, placeUntil: 'first-chunk', cancelMsMax: hungAfterMs(longestMs) } as const;
  return speakersOf(pack).map(({ name, role, model: id }) => ({
    id,
    tier: name,
    role,
    artifacts: pack.models.find((model) => model.id === id)?.artifacts ?? [],
    load: role === 'fallback' ? 'standby' : 'at-once',
    inSafeMode: role === 'fallback' ? 'keep' : 'unload',
    work,
  }));
}
