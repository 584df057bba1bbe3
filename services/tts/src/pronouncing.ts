import { type LexiconTerm, lexiconTerms, type Pack, type Phoneme } from '@smartlite/trust';
import type { Pronounced } from './engine.ts';
import { speakable } from './speakable.ts';

interface KnownTerm {
  /** As it stands in a text that `speakable` has made plain. */
  readonly plain: string;
  readonly phonemes: readonly Phoneme[];
  /** An abbreviation such as US is no pronoun: it is meant only where it is written in capitals. */
  readonly capitals: boolean;
}

const FIRST_WORD = /^[A-Za-z0-9]+/;
const WORD = /[A-Za-z0-9]+/g;
const VOICELESS: ReadonlySet<string> = new Set(['p', 't', 'k', 'f', 'θ']);
const SIBILANT: ReadonlySet<string> = new Set(['s', 'z', 'ʃ', 'ʒ', 'tʃ', 'dʒ']);

/** Finds the lexicon's terms in texts that will be spoken. */
export class Pronouncing {
  /** By their first word in lower case, longest first. */
  readonly #terms = new Map<string, KnownTerm[]>();

  constructor(terms: readonly LexiconTerm[]) {
    for (const { term, phonemes } of terms) if (phonemes.length > 0) this.#add(term, phonemes);
    for (const known of this.#terms.values()) known.sort((one, other) => other.plain.length - one.plain.length);
  }

  /** Where terms stand in a plain text, in order and apart from each other. Whole words only; a possessive is spoken with its ending. */
  find(text: string): readonly Pronounced[] {
    const found: Pronounced[] = [];
    for (const { 0: word, index: from } of text.matchAll(WORD)) {
      if (from < (found.at(-1)?.to ?? 0)) continue;
      const term = this.#terms.get(word.toLowerCase())?.find((each) => standsAt(text, from, each));
      if (term === undefined) continue;
      const to = from + term.plain.length;
      found.push(
        /^'s(?![A-Za-z0-9])/.test(text.slice(to))
          ? { from, to: to + 2, phonemes: possessive(term.phonemes) }
          : { from, to, phonemes: term.phonemes },
      );
    }
    return found;
  }

  #add(term: string, phonemes: readonly Phoneme[]): void {
    const plain = plainOf(term);
    const key = FIRST_WORD.exec(plain ?? '')?.[0].toLowerCase();
    if (plain === undefined || key === undefined) return;
    const capitals = plain.length > 1 && /[A-Z]/.test(plain) && plain === plain.toUpperCase();
    const alike = this.#terms.get(key) ?? [];
    alike.push({ plain, phonemes, capitals });
    this.#terms.set(key, alike);
  }
}

/** The lexicon of the pack in force, indexed once for each pack: a new one comes with a new lock, at any time. */
export class LexiconInForce {
  #known: { readonly pack: Pick<Pack, 'lexicon'>; readonly pronouncing: Pronouncing } | undefined;

  of(pack: Pick<Pack, 'lexicon'>): Pronouncing {
    if (this.#known?.pack !== pack) this.#known = { pack, pronouncing: new Pronouncing(lexiconTerms(pack.lexicon)) };
    return this.#known.pronouncing;
  }
}

function standsAt(text: string, from: number, { plain, capitals }: KnownTerm): boolean {
  const there = text.slice(from, from + plain.length);
  const same = capitals ? there === plain : there.toLowerCase() === plain.toLowerCase();
  return same && !/^[A-Za-z0-9]/.test(text.slice(from + plain.length));
}

function possessive(phonemes: readonly Phoneme[]): readonly Phoneme[] {
  const last = phonemes.at(-1)?.sound ?? '';
  const ending: readonly Phoneme[] = SIBILANT.has(last)
    ? [
        { kind: 'vowel', sound: 'ɪ', stress: 0 },
        { kind: 'consonant', sound: 'z' },
      ]
    : [{ kind: 'consonant', sound: VOICELESS.has(last) ? 's' : 'z' }];
  return [...phonemes, ...ending];
}

/** A term of another script is in no text that may be spoken. */
function plainOf(term: string): string | undefined {
  try {
    return speakable(term);
  } catch {
    return undefined;
  }
}
