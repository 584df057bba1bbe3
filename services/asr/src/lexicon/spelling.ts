import { type LexiconTerm, lexiconTerms, type Pack } from '@smartlite/trust';
import { SoundTree } from './likeness.ts';
import type { Recognition } from '../engine.ts';
import { likelyOnes, Rivals } from './rivals.ts';
import { bareOf, replaced, type Replacement, runsFrom, type Word, wordsOf } from './words.ts';

/** Most words that a recogniser makes of one term: `engine x`, `smart light`, `n g i n x`. */
const WORDS_MAX = 5;
/** Terms with fewer letters, or fewer sounds, are left as they were heard: too many ordinary words are like them. */
const LETTERS_MIN = 4;
const SOUNDS_MIN = 5;
/** A text as likely as this (37 %) has nothing in it that its recogniser has not read before: it is not asked again. */
const CERTAIN = -1;
/** One vowel in so many sounds may have been heard as another. */
const SOUNDS_A_VOWEL = 5;

/** Writes the lexicon's terms as they are spelled, where a recogniser has written what it heard. */
export class Spelling {
  /** By their letters and digits. */
  readonly #spelled = new Map<string, string>();
  readonly #heard = new SoundTree();
  readonly #rivals: Rivals;

  constructor(terms: readonly LexiconTerm[]) {
    this.#rivals = new Rivals(terms);
    for (const known of terms) {
      const bare = bareOf(known.term);
      if (bare.length >= LETTERS_MIN && !this.#spelled.has(bare)) this.#spelled.set(bare, known.term);
      if (known.phonemes.length >= SOUNDS_MIN)
        this.#heard.add(known.term, known.phonemes, Math.floor(known.phonemes.length / SOUNDS_A_VOWEL));
    }
  }

  /** The text with its terms written as the lexicon writes them; every other character stays. */
  write(text: string): string {
    return replaced(text, this.#certain(text));
  }

  /**
   * The same, and terms that were heard as something only roughly like them, where the recogniser says that they may as well be meant.
   * `compare` tells how likely it takes each text to be, as natural logarithms; undefined where it cannot: then only `write` counts.
   */
  async writeBy(
    { text, likelihood }: Pick<Recognition, 'text' | 'likelihood'>,
    compare: (texts: readonly string[]) => Promise<readonly number[] | undefined>,
  ): Promise<string> {
    const certain = this.#certain(text);
    if (likelihood === undefined || likelihood > CERTAIN) return replaced(text, certain);
    const rivals = this.#rivals.of(text, certain);
    const likelihoods = rivals.length === 0 ? [] : await compare(rivals.map((rival) => replaced(text, [rival])));
    return replaced(text, [...certain, ...likelyOnes(rivals, likelihoods ?? [], likelihood)]);
  }

  #certain(text: string): readonly Replacement[] {
    const words = wordsOf(text);
    const certain: Replacement[] = [];
    for (let index = 0; index < words.length; ) {
      const runs = runsFrom(text, words, index, WORDS_MAX);
      const found = firstOf(runs, (run) => this.#spelledBy(text, run)) ?? firstOf(runs, (run) => this.#heardAs(run));
      if (found) certain.push({ from: found.run[0]?.from ?? 0, to: found.run.at(-1)?.to ?? 0, term: found.term });
      index += found?.run.length ?? 1;
    }
    return certain;
  }

  /** An abbreviation such as AIDS is no aids: in capitals alone, or letter by letter. */
  #spelledBy(text: string, run: readonly Word[]): string | undefined {
    const term = this.#spelled.get(run.map(({ bare }) => bare).join(''));
    if (term === undefined || term !== term.toUpperCase()) return term;
    const there = text.slice(run[0]?.from, run.at(-1)?.to);
    return there === there.toUpperCase() || run.every(({ bare }) => bare.length === 1) ? term : undefined;
  }

  #heardAs(run: readonly Word[]): string | undefined {
    const phrase = run.map(({ bare }) => bare).join(' ');
    return /^[a-z ]+$/.test(phrase) ? this.#heard.likest(phrase) : undefined;
  }
}

/** The spelling by the lexicon of the pack in force, indexed once for each pack: a new one comes with a new lock, at any time. */
export class SpellingInForce {
  #known: { readonly pack: Pick<Pack, 'lexicon'>; readonly spelling: Spelling } | undefined;

  of(pack: Pick<Pack, 'lexicon'>): Spelling {
    if (this.#known?.pack !== pack) this.#known = { pack, spelling: new Spelling(lexiconTerms(pack.lexicon)) };
    return this.#known.spelling;
  }
}

function firstOf(runs: readonly (readonly Word[])[], termOf: (run: readonly Word[]) => string | undefined) {
  for (const run of runs) {
    const term = termOf(run);
    if (term !== undefined) return { run, term };
  }
  return undefined;
}
