import type { Phoneme } from '@smartlite/trust';
import { DOUBLE, GRAPHEMES, LETTER_NAMES } from './graphemes.ts';

/** Letters of one sound at most: `augh`, `eigh`, `tsch`. */
const LETTERS_MAX = 4;
const VOWEL_LETTERS = /^[aeiouy]{1,2}$/;

/**
 * How unlike a written phrase is the sounds of a term: the fewest vowels that its spelling gives another sound; undefined where its
 * consonants, or the number of its syllables, are others. Letters are lower-case a to z, words apart by one blank.
 */
export function unlikeness(phrase: string, phonemes: readonly Phoneme[]): number | undefined {
  const known = new Map<number, number>();
  const from = (letter: number, sound: number): number => {
    const key = letter * (phonemes.length + 1) + sound;
    const before = known.get(key);
    if (before !== undefined) return before;
    const cost = costFrom(letter, sound);
    known.set(key, cost);
    return cost;
  };
  const costFrom = (letter: number, sound: number): number => {
    if (letter === phrase.length) return sound === phonemes.length ? 0 : Number.POSITIVE_INFINITY;
    const ways = waysOn(phrase, letter, phonemes, sound);
    return Math.min(Number.POSITIVE_INFINITY, ...ways.map((way) => way.cost + from(letter + way.letters, sound + way.sounds)));
  };
  const cost = from(0, 0);
  return cost === Number.POSITIVE_INFINITY ? undefined : cost;
}

interface Way {
  readonly letters: number;
  readonly sounds: number;
  readonly cost: number;
}

/** How the next letters may be read as the next sounds. */
function waysOn(phrase: string, letter: number, phonemes: readonly Phoneme[], sound: number): readonly Way[] {
  const ways: Way[] = isSilent(phrase, letter) ? [{ letters: 1, sounds: 0, cost: 0 }] : [];
  const next = phonemes[sound];
  if (next === undefined) return ways;
  for (let letters = 1; letters <= LETTERS_MAX && letter + letters <= phrase.length; letters++) {
    const written = phrase.slice(letter, letter + letters);
    if (GRAPHEMES[next.sound].includes(written)) ways.push({ letters, sounds: 1, cost: 0 });
    else if (next.kind === 'vowel' && VOWEL_LETTERS.test(written)) ways.push({ letters, sounds: 1, cost: 1 });
    const double = DOUBLE[written]?.some(([one, other]) => one === next.sound && other === phonemes[sound + 1]?.sound);
    if (double) ways.push({ letters, sounds: 2, cost: 0 });
  }
  const name = standsAlone(phrase, letter) ? LETTER_NAMES[phrase[letter] ?? ''] : undefined;
  if (name?.every((each, index) => phonemes[sound + index]?.sound === each))
    ways.push({ letters: 1, sounds: name.length, cost: 0 });
  return ways;
}

/** Blanks; an e at the end of a word, alone or before s; the gh of light; an h after a vowel. */
function isSilent(phrase: string, letter: number): boolean {
  const before = phrase.slice(0, letter);
  const after = phrase.slice(letter + 1);
  switch (phrase[letter]) {
    case ' ':
      return true;
    case 'e':
      return /[a-z]$/.test(before) && /^(s?( |$)|l(y|ess))/.test(after);
    case 'g':
      return before.endsWith('i') && after.startsWith('h');
    case 'h':
      return /(ig|[aeiou])$/.test(before);
    default:
      return false;
  }
}

function standsAlone(phrase: string, letter: number): boolean {
  return (phrase[letter - 1] ?? ' ') === ' ' && (phrase[letter + 1] ?? ' ') === ' ';
}

/** The letters that a phrase which is like these sounds can begin with. */
export function firstLetters([first]: readonly Phoneme[]): ReadonlySet<string> {
  if (first === undefined) return new Set();
  const graphemes = GRAPHEMES[first.sound].map((written) => written[0] ?? '');
  const doubles = Object.keys(DOUBLE).filter((written) => DOUBLE[written]?.some(([one]) => one === first.sound));
  const names = Object.keys(LETTER_NAMES).filter((letter) => LETTER_NAMES[letter]?.[0] === first.sound);
  return new Set([
    ...graphemes,
    ...doubles.map((written) => written[0] ?? ''),
    ...names,
    ...(first.kind === 'vowel' ? 'aeiouy' : ''),
  ]);
}
