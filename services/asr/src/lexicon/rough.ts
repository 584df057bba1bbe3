import type { Consonant, Phoneme, Vowel } from '@smartlite/trust';
import { LETTER_NAMES } from './graphemes.ts';

/** Sounds that are easily taken for each other, as one letter. An h comes and goes, and a y is next to a vowel. */
const ROUGHLY: Readonly<Record<Consonant, string>> = {
  p: 'p',
  b: 'p',
  f: 'p',
  v: 'p',
  t: 't',
  d: 't',
  θ: 't',
  ð: 't',
  k: 'k',
  ɡ: 'k',
  s: 's',
  z: 's',
  ʃ: 's',
  ʒ: 's',
  tʃ: 's',
  dʒ: 's',
  m: 'n',
  n: 'n',
  ŋ: 'n',
  l: 'l',
  ɹ: 'r',
  w: 'w',
  h: '',
  j: '',
};
const VOWEL = 'a';

/** The same of English letters, longest first. */
const WRITTEN: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['sch', 'tch', 'sh', 'ch', 's', 'z', 'j'].map((letters) => [letters, 's'])),
  ...Object.fromEntries(['ph', 'p', 'b', 'f', 'v'].map((letters) => [letters, 'p'])),
  ...Object.fromEntries(['th', 't', 'd'].map((letters) => [letters, 't'])),
  ...Object.fromEntries(['ck', 'c', 'g', 'k', 'q'].map((letters) => [letters, 'k'])),
  ...Object.fromEntries(['m', 'n'].map((letters) => [letters, 'n'])),
  ...Object.fromEntries(['wh', 'w'].map((letters) => [letters, 'w'])),
  qu: 'kw',
  x: 'ks',
  gh: '',
  h: '',
  l: 'l',
  r: 'r',
};
const PIECES = new RegExp(
  `[aeiouy]+w?(?![aeiouy])|[aeiouy]+|${Object.keys(WRITTEN)
    .toSorted((a, b) => b.length - a.length)
    .join('|')}`,
  'g',
);

/** What a word sounds like, roughly: consonants by their kind, every vowel alike. Two words that hearers confuse are the same, or near. */
export function roughSounds(phonemes: readonly Pick<Phoneme, 'sound'>[]): string {
  return collapsed(phonemes.map(({ sound }) => roughly(sound)).join(''));
}

/** The same of lower-case English words; one letter alone is read by its name. */
export function roughSpelling(words: readonly string[]): string {
  return collapsed(words.map(roughWord).join(''));
}

/**
 * What it takes to make the beginnings of `heard`, from none of it to all, of something: 1 for each consonant, a half for each vowel (a row
 * of Wagner and Fischer's table). Without a row before, of nothing; with one, of what that was for and one `sound` more.
 */
export function distances(heard: string, sound = '', before: readonly number[] = []): readonly number[] {
  const row = [(before[0] ?? 0) + weightOf(sound)];
  for (const [at, there] of Array.from(heard).entries()) {
    const added = (row[at] ?? 0) + weightOf(there);
    const left = (before[at + 1] ?? Number.POSITIVE_INFINITY) + weightOf(sound);
    const changed = (before[at] ?? Number.POSITIVE_INFINITY) + (sound === there ? 0 : Math.max(weightOf(sound), weightOf(there)));
    row.push(Math.min(added, left, changed));
  }
  return row;
}

/** How much there is to hear of it. */
export function roughWeight(sounds: string): number {
  return distances(sounds).at(-1) ?? 0;
}

function weightOf(sound: string): number {
  if (sound === '') return 0;
  return sound === VOWEL ? 0.5 : 1;
}

function roughly(sound: Consonant | Vowel): string {
  if (sound === 'ɝ') return `${VOWEL}r`;
  return Object.hasOwn(ROUGHLY, sound) ? ROUGHLY[sound as Consonant] : VOWEL;
}

function roughWord(word: string): string {
  const name = LETTER_NAMES[word];
  if (name) return name.map(roughly).join('');
  return word
    .replace(/^kn/, 'n')
    .replace(/^wr/, 'r')
    .replace(/([aeiouy].*[^aeiouy])e(s?)$/, '$1$2')
    .replaceAll(/c(?=[eiy])|ti(?=[oa])|d?g(?=[eiy])/g, 's')
    .replace(/ng$/, 'n')
    .replaceAll(PIECES, (letters) => WRITTEN[letters] ?? VOWEL);
}

function collapsed(sounds: string): string {
  return sounds.replaceAll(/(.)\1+/g, '$1');
}
