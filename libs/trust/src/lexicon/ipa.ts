import { type Consonant, CONSONANTS, type Phoneme, SPELLINGS, type Vowel } from './sounds.ts';

/** Longer pronunciations are no word: nobody waits for a word of more than some seconds. */
const PHONEMES_MAX = 60;

export type IpaReading =
  | { readonly kind: 'read'; readonly phonemes: readonly Phoneme[] }
  /** `position` counts characters from 1. */
  | { readonly kind: 'unreadable'; readonly position: number; readonly problem: string };

type Stress = 0 | 1 | 2;
const STRESSES: Readonly<Record<string, Stress>> = { ˈ: 1, "'": 1, ˌ: 2 };
/** Tie bars and length: an English voice has them anyway. */
const NO_SOUND: ReadonlySet<string> = new Set(['\u0361', '\u035c', '\u200d', 'ː', 'ˑ']);
const BETWEEN_SOUNDS = /^[.\s/‿]$/u;
const SYLLABIC = '\u0329';

/**
 * A pronunciation in the International Phonetic Alphabet, as the sounds that the voices can make. Stress stands before its syllable
 * (`ˈ` primary, `ˌ` secondary); where no primary one is marked, the first syllable has it. Pure; tells the place and the reason of
 * what it cannot read.
 */
export function readIpa(ipa: string): IpaReading {
  const signs = Array.from(ipa).flatMap((sign, index) => (NO_SOUND.has(sign) ? [] : [{ sign, position: index + 1 }]));
  const phonemes: Phoneme[] = [];
  let stress: { readonly degree: Stress; readonly position: number } | undefined;
  const speak = (sound: Consonant | Vowel) => {
    if (isConsonant(sound)) return phonemes.push({ kind: 'consonant', sound });
    phonemes.push({ kind: 'vowel', sound, stress: stress?.degree ?? 0 });
    return (stress = undefined);
  };
  for (let at = 0; at < signs.length; ) {
    const { sign, position } = signs[at] ?? { sign: '', position: 0 };
    const degree = STRESSES[sign];
    const spelled = spelledBy(signs.slice(at, at + 2).map((each) => each.sign));
    if (degree !== undefined) {
      if (stress !== undefined) return unreadable(position, 'two stress marks stand before one syllable');
      stress = { degree, position };
    } else if (sign === SYLLABIC) {
      const consonant = phonemes.pop();
      if (consonant?.kind !== 'consonant') return unreadable(position, 'the syllabic mark belongs under a consonant');
      speak('ə');
      phonemes.push(consonant);
    } else if (spelled !== undefined) spelled.sounds.forEach(speak);
    else if (!BETWEEN_SOUNDS.test(sign)) return unreadable(position, unknownSign(sign));
    if (phonemes.length > PHONEMES_MAX) return unreadable(position, `a pronunciation has at most ${PHONEMES_MAX} sounds`);
    at += spelled?.signs ?? 1;
  }
  if (stress !== undefined) return unreadable(stress.position, 'no vowel follows this stress mark');
  const vowel = phonemes.findIndex(({ kind }) => kind === 'vowel');
  if (vowel < 0) return unreadable(1, 'there is no vowel in it');
  return { kind: 'read', phonemes: withStress(phonemes, vowel) };
}

/** The longest sound that the next two signs begin with. */
function spelledBy(
  next: readonly string[],
): { readonly signs: number; readonly sounds: readonly (Consonant | Vowel)[] } | undefined {
  for (const signs of [2, 1]) {
    const sounds = next.length < signs ? undefined : SPELLINGS.get(next.slice(0, signs).join(''));
    if (sounds !== undefined) return { signs, sounds };
  }
  return undefined;
}

function withStress(phonemes: readonly Phoneme[], vowel: number): readonly Phoneme[] {
  if (phonemes.some((each) => each.kind === 'vowel' && each.stress === 1)) return phonemes;
  return phonemes.map((each, index) => (index === vowel && each.kind === 'vowel' ? { ...each, stress: 1 } : each));
}

function isConsonant(sound: Consonant | Vowel): sound is Consonant {
  return (CONSONANTS as readonly string[]).includes(sound);
}

function unknownSign(sign: string): string {
  const code = (sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `${JSON.stringify(sign)} (U+${code}) is no sign of the IPA that an English voice can speak`;
}

function unreadable(position: number, problem: string): IpaReading {
  return { kind: 'unreadable', position, problem };
}
