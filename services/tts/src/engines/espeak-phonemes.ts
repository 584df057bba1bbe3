import type { Consonant, Phoneme, Vowel } from '@smartlite/trust';
import type { SpeechRequest } from '../engine.ts';
import { piecesOf } from './pieces.ts';

/** eSpeak's mnemonics for English (Kirshenbaum's ASCII-IPA, much changed): https://github.com/espeak-ng/espeak-ng/blob/master/docs/phonemes.md */
const MNEMONICS: Readonly<Record<Consonant | Vowel, string>> = {
  p: 'p',
  b: 'b',
  t: 't',
  d: 'd',
  k: 'k',
  ɡ: 'g',
  f: 'f',
  v: 'v',
  θ: 'T',
  ð: 'D',
  s: 's',
  z: 'z',
  ʃ: 'S',
  ʒ: 'Z',
  h: 'h',
  m: 'm',
  n: 'n',
  ŋ: 'N',
  l: 'l',
  ɹ: 'r',
  w: 'w',
  j: 'j',
  tʃ: 'tS',
  dʒ: 'dZ',
  i: 'i:',
  ɪ: 'I',
  eɪ: 'eI',
  ɛ: 'E',
  æ: 'a',
  ɑ: 'A:',
  ɒ: '0',
  ɔ: 'O:',
  oʊ: 'oU',
  ʊ: 'U',
  u: 'u:',
  ʌ: 'V',
  ə: '@',
  ɝ: '3:',
  aɪ: 'aI',
  aʊ: 'aU',
  ɔɪ: 'OI',
};
/** A vowel and the r of its syllable are one phoneme, which each accent speaks in its way. */
const WITH_R: Partial<Readonly<Record<Consonant | Vowel, string>>> = { ɑ: 'A@', ɔ: 'O@', ɛ: 'e@', ɪ: 'i@3', ʊ: 'U@' };
const STRESSES = ['', "'", ','] as const;

/** Sounds as eSpeak takes them between `[[` and `]]`; bars keep neighbours from being read as one. */
export function espeakPhonemes(phonemes: readonly Phoneme[]): string {
  const written: string[] = [];
  for (const [index, each] of phonemes.entries()) {
    const before = phonemes[index - 1];
    if (each.sound === 'ɹ' && before && WITH_R[before.sound] && phonemes[index + 1]?.kind !== 'vowel') continue;
    const closes = phonemes[index + 1]?.sound === 'ɹ' && phonemes[index + 2]?.kind !== 'vowel';
    const sound = (closes ? WITH_R[each.sound] : undefined) ?? MNEMONICS[each.sound];
    written.push(each.kind === 'vowel' ? `${STRESSES[each.stress]}${sound}` : sound);
  }
  return written.join('|');
}

/** How eSpeak is told what to say. Brackets in users' text are just brackets: none may open phonemes, alone or beside ours. */
export function espeakText(request: Pick<SpeechRequest, 'text' | 'pronounced'>): string {
  return piecesOf(request)
    .map((piece) =>
      piece.kind === 'term'
        ? `[[${espeakPhonemes(piece.phonemes)}]]`
        : piece.text.replace(/\[(?=\[|$)/g, '[ ').replace(/^\]/, ' ]'),
    )
    .join('');
}
