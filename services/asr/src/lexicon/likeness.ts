import type { Consonant, Phoneme, Vowel } from '@smartlite/trust';
import { DOUBLE, GRAPHEMES, LETTER_NAMES } from './graphemes.ts';

type Sound = Consonant | Vowel;

/** Letters of one sound at most: `augh`, `eigh`, `tsch`. */
const LETTERS_MAX = 4;
const VOWEL_LETTERS = /^[aeiouy]{1,2}$/;
/** The sounds that letters may stand for. */
const SOUNDS: ReadonlyMap<string, ReadonlySet<Sound>> = soundsByLetters();

interface Node {
  readonly isVowel: boolean;
  readonly next: Map<Sound, Node>;
  /** Terms of which this is the last sound. */
  readonly terms: Known[];
}

interface Known {
  readonly term: string;
  /** Its place in the lexicon: of two that are as like, the first is meant. */
  readonly place: number;
  /** Most vowels that may have been heard as others. */
  readonly vowelsMax: number;
}

/** Whom a phrase may have come to, and how many of its vowels have another sound there. */
type Reached = Map<Node, number>;

/**
 * Terms by their sounds, as a tree: terms that begin alike are looked through once, so that thousands of them cost little more than a few.
 */
export class SoundTree {
  readonly #root = nodeOf(false);
  #places = 0;
  #vowelsMax = 0;

  /** `vowelsMax`: how many of its vowels may be spelled as others. */
  add(term: string, phonemes: readonly Phoneme[], vowelsMax: number): void {
    let node = this.#root;
    for (const { kind, sound } of phonemes) {
      const next = node.next.get(sound) ?? nodeOf(kind === 'vowel');
      node.next.set(sound, next);
      node = next;
    }
    node.terms.push({ term, place: this.#places++, vowelsMax });
    this.#vowelsMax = Math.max(this.#vowelsMax, vowelsMax);
  }

  /**
   * The term whose sounds a written phrase is most like: the fewest vowels that its spelling gives another sound; undefined where its
   * consonants, or the number of its syllables, are others. Letters are lower-case a to z, words apart by one blank.
   */
  likest(phrase: string): string | undefined {
    const reached: Reached[] = Array.from({ length: phrase.length + 1 }, () => new Map());
    reached[0]?.set(this.#root, 0);
    for (let letter = 0; letter < phrase.length; letter++) {
      const ways = waysOn(phrase, letter);
      for (const [node, cost] of reached[letter] ?? [])
        for (const way of ways) for (const step of way.from(node)) this.#reach(reached[letter + way.letters], step, cost);
    }
    const likest = [...(reached[phrase.length] ?? [])]
      .flatMap(([node, cost]) => node.terms.map((known) => ({ ...known, cost })))
      .filter(({ cost, vowelsMax }) => cost <= vowelsMax)
      .toSorted((one, other) => one.cost - other.cost || one.place - other.place);
    return likest[0]?.term;
  }

  #reach(there: Reached | undefined, { node, cost }: Step, before: number): void {
    const sum = before + cost;
    if (there && sum <= this.#vowelsMax && sum < (there.get(node) ?? Number.POSITIVE_INFINITY)) there.set(node, sum);
  }
}

interface Step {
  readonly node: Node;
  readonly cost: number;
}

interface Way {
  readonly letters: number;
  readonly from: (node: Node) => readonly Step[];
}

function nodeOf(isVowel: boolean): Node {
  return { isVowel, next: new Map(), terms: [] };
}

/** How the next letters may be read: as which sounds that follow. */
function waysOn(phrase: string, letter: number): readonly Way[] {
  const ways: Way[] = isSilent(phrase, letter) ? [{ letters: 1, from: (node) => [{ node, cost: 0 }] }] : [];
  for (let letters = 1; letters <= LETTERS_MAX && letter + letters <= phrase.length; letters++) {
    const written = phrase.slice(letter, letter + letters);
    const sounds = SOUNDS.get(written);
    const isVowel = VOWEL_LETTERS.test(written);
    if (sounds || isVowel) ways.push({ letters, from: (node) => oneSound(node, sounds, isVowel) });
    const doubles = DOUBLE[written];
    if (doubles) ways.push({ letters, from: (node) => doubles.flatMap((pair) => along(node, pair)) });
  }
  const name = standsAlone(phrase, letter) ? LETTER_NAMES[phrase[letter] ?? ''] : undefined;
  if (name) ways.push({ letters: 1, from: (node) => along(node, name) });
  return ways;
}

function oneSound({ next }: Node, sounds: ReadonlySet<Sound> | undefined, isVowel: boolean): readonly Step[] {
  const steps: Step[] = [];
  for (const [sound, node] of next)
    if (sounds?.has(sound) === true) steps.push({ node, cost: 0 });
    else if (isVowel && node.isVowel) steps.push({ node, cost: 1 });
  return steps;
}

function along(from: Node, sounds: readonly Sound[]): readonly Step[] {
  let node: Node | undefined = from;
  for (const sound of sounds) node = node?.next.get(sound);
  return node ? [{ node, cost: 0 }] : [];
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

function soundsByLetters(): ReadonlyMap<string, ReadonlySet<Sound>> {
  const sounds = new Map<string, Set<Sound>>();
  for (const [sound, spellings] of Object.entries(GRAPHEMES))
    for (const written of spellings) sounds.set(written, (sounds.get(written) ?? new Set()).add(sound as Sound));
  return sounds;
}
