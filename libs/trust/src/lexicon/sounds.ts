/** The sounds of English that both synthesisers can make, named by their IPA symbol. */
export const CONSONANTS = [
  'p',
  'b',
  't',
  'd',
  'k',
  'ɡ',
  'f',
  'v',
  'θ',
  'ð',
  's',
  'z',
  'ʃ',
  'ʒ',
  'h',
  'm',
  'n',
  'ŋ',
  'l',
  'ɹ',
  'w',
  'j',
  'tʃ',
  'dʒ',
] as const;
export const VOWELS = ['i', 'ɪ', 'eɪ', 'ɛ', 'æ', 'ɑ', 'ɒ', 'ɔ', 'oʊ', 'ʊ', 'u', 'ʌ', 'ə', 'ɝ', 'aɪ', 'aʊ', 'ɔɪ'] as const;

export type Consonant = (typeof CONSONANTS)[number];
export type Vowel = (typeof VOWELS)[number];

/** One sound of a word. Stress is that of the syllable: 1 primary, 2 secondary, 0 none. */
export type Phoneme =
  | { readonly kind: 'consonant'; readonly sound: Consonant }
  | { readonly kind: 'vowel'; readonly sound: Vowel; readonly stress: 0 | 1 | 2 };

/** Other ways to write those sounds, and the nearest English ones of some that English has not got. One or two signs each. */
const OTHER_SPELLINGS: Readonly<Record<string, readonly (Consonant | Vowel)[]>> = {
  əʊ: ['oʊ'],
  ɜɹ: ['ɝ'],
  ɜr: ['ɝ'],
  ɚ: ['ɝ'],
  ɜ: ['ɝ'],
  ɵ: ['ʊ'],
  ɨ: ['ɪ'],
  ɐ: ['ʌ'],
  e: ['ɛ'],
  a: ['ɑ'],
  o: ['oʊ'],
  y: ['u'],
  ø: ['ɝ'],
  œ: ['ɝ'],
  g: ['ɡ'],
  r: ['ɹ'],
  ɻ: ['ɹ'],
  ɾ: ['ɹ'],
  ʁ: ['ɹ'],
  ɫ: ['l'],
  ʧ: ['tʃ'],
  ʤ: ['dʒ'],
  x: ['k'],
  ç: ['h'],
  ɲ: ['n', 'j'],
  ʎ: ['l', 'j'],
};

/** What each spelling stands for. */
export const SPELLINGS: ReadonlyMap<string, readonly (Consonant | Vowel)[]> = new Map([
  ...[...CONSONANTS, ...VOWELS].map((sound) => [sound, [sound]] as const),
  ...Object.entries(OTHER_SPELLINGS),
]);
