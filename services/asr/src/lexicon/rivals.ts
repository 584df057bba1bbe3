import type { LexiconTerm } from '@smartlite/trust';
import { distances, roughSounds, roughSpelling, roughWeight } from './rough.ts';
import { bareOf, type Replacement, runsFrom, wordsOf } from './words.ts';

/** Most rivals of one text: each costs the recogniser one more look at it. */
export const RIVALS_MAX = 4;
/** Most words that a recogniser makes of a term that it does not know. */
const WORDS_MAX = 4;
/** Terms of fewer sounds are like half of all words. */
const SOUNDS_MIN = 3;
/** So much of a term's sounds may have been heard as others, or not at all. */
const OTHERWISE = 0.35;
/**
 * A term is written where the recogniser takes the text with it for at most e^6.5, some 650 times, less likely than its own. It has not
 * read the term before, so it is no judge between two spellings; words that were said clearly are likelier by e^9 and more.
 */
const DOUBT = 6.5;

interface Known {
  readonly term: string;
  readonly bare: string;
  /** How far it may be from what was heard. */
  readonly most: number;
}

/** Terms by their sounds: those that begin alike are compared once, so that thousands of them cost little more than a few. */
interface Node {
  readonly next: Map<string, Node>;
  readonly terms: Known[];
  /** The most of all terms from here on. */
  most: number;
}

/** Finds where a text may have a term that was heard as something roughly like it: who heard it judges between the two. */
export class Rivals {
  readonly #root: Node = { next: new Map(), terms: [], most: 0 };

  constructor(terms: readonly LexiconTerm[]) {
    for (const { term, phonemes } of terms) {
      const sounds = phonemes.length > 0 ? roughSounds(phonemes) : roughSpelling(spelledWords(term));
      if (sounds.length >= SOUNDS_MIN) this.#add(sounds, { term, bare: bareOf(term), most: roughWeight(sounds) * OTHERWISE });
    }
  }

  /** Those with the most in common first: long terms before short ones. Nothing that is `taken` by a term already. */
  of(text: string, taken: readonly Replacement[]): readonly Replacement[] {
    return this.#alike(text, taken)
      .toSorted((one, other) => other.margin - one.margin || one.from - other.from)
      .slice(0, RIVALS_MAX)
      .map(({ from, to, term }) => ({ from, to, term }));
  }

  #alike(text: string, taken: readonly Replacement[]): (Replacement & { readonly margin: number })[] {
    return heardIn(text)
      .filter((heard) => !taken.some((other) => overlaps(heard, other)))
      .flatMap(({ from, to, bare, sounds }) =>
        near(this.#root, sounds)
          .filter(({ known }) => known.bare !== bare)
          .map(({ known, distance }) => ({ from, to, term: known.term, margin: known.most - distance })),
      );
  }

  #add(sounds: string, known: Known): void {
    let node = this.#root;
    for (const sound of sounds) {
      const next: Node = node.next.get(sound) ?? { next: new Map(), terms: [], most: 0 };
      node.next.set(sound, next);
      node = next;
      node.most = Math.max(node.most, known.most);
    }
    node.terms.push(known);
  }
}

/** The terms from here on that are near enough to what was heard. */
function near(node: Node, heard: string, row = distances(heard)): { readonly known: Known; readonly distance: number }[] {
  const distance = row.at(-1) ?? 0;
  const here = node.terms.filter(({ most }) => distance <= most).map((known) => ({ known, distance }));
  const further = Array.from(node.next, ([sound, next]) => {
    const onward = distances(heard, sound, row);
    return Math.min(...onward) > next.most ? [] : near(next, heard, onward);
  });
  return [...here, ...further.flat()];
}

/**
 * Those rivals that are likely enough, the likeliest of those that overlap. `likelihoods`, natural logarithms, are of the text with each
 * rival in its place, `own` of the text as it stands.
 */
export function likelyOnes(rivals: readonly Replacement[], likelihoods: readonly number[], own: number): readonly Replacement[] {
  const chosen: Replacement[] = [];
  const likely = rivals
    .map((rival, index) => ({ rival, less: own - (likelihoods[index] ?? Number.NEGATIVE_INFINITY) }))
    .filter(({ less }) => less <= DOUBT)
    .toSorted((one, other) => one.less - other.less);
  for (const { rival } of likely) if (!chosen.some((other) => overlaps(rival, other))) chosen.push(rival);
  return chosen;
}

/** Runs of words as they sound; also with the 's behind them, which may be the end of the term. */
function heardIn(text: string) {
  const words = wordsOf(text);
  return words.flatMap((_, index) =>
    runsFrom(text, words, index, WORDS_MAX).flatMap((run) => {
      const from = run[0]?.from ?? 0;
      const to = run.at(-1)?.to ?? 0;
      const bares = run.map(({ bare }) => bare);
      if (!/^[a-z]+$/.test(bares.join(''))) return [];
      const heard = { from, to, bare: bares.join(''), sounds: roughSpelling(bares) };
      if (!/^['’]s(?![\p{L}\p{N}])/u.test(text.slice(to))) return [heard];
      const withS = bares.with(-1, `${bares.at(-1)}s`);
      return [heard, { from, to: to + 2, bare: withS.join(''), sounds: roughSpelling(withS) }];
    }),
  );
}

function spelledWords(term: string): readonly string[] {
  const words = wordsOf(term).map(({ bare }) => bare);
  return words.every((word) => /^[a-z]+$/.test(word)) ? words : [];
}

function overlaps(one: Omit<Replacement, 'term'>, other: Omit<Replacement, 'term'>): boolean {
  return one.from < other.to && other.from < one.to;
}
