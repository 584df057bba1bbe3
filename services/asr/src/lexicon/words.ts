/** A word of a text, and where it stands. */
export interface Word {
  readonly from: number;
  readonly to: number;
  /** Its letters and digits in lower case, without accents. */
  readonly bare: string;
}

/** A stretch of a text, `to` exclusive, and the term that is written there. */
export interface Replacement {
  readonly from: number;
  readonly to: number;
  readonly term: string;
}

/** The text with these in their places, which are apart from each other. */
export function replaced(text: string, replacements: readonly Replacement[]): string {
  let written = '';
  let at = 0;
  for (const { from, to, term } of replacements.toSorted((one, other) => one.from - other.from)) {
    written += text.slice(at, from) + term;
    at = to;
  }
  return written + text.slice(at);
}

/** The letters and digits of a term or word, in lower case, without accents. */
export function bareOf(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}

export function wordsOf(text: string): readonly Word[] {
  return Array.from(text.matchAll(/[\p{L}\p{N}\p{M}]+/gu), ({ 0: word, index }) => ({
    from: index,
    to: index + word.length,
    bare: bareOf(word),
  }));
}

/** Runs of words that begin with one, longest first. A comma or the end of a sentence is never inside a term; letters may have dots. */
export function runsFrom(text: string, words: readonly Word[], index: number, wordsMax: number): readonly (readonly Word[])[] {
  let count = 1;
  while (count < wordsMax && areJoined(text, words[index + count - 1], words[index + count])) count += 1;
  return Array.from({ length: count }, (_, less) => words.slice(index, index + count - less));
}

function areJoined(text: string, one: Word | undefined, next: Word | undefined): boolean {
  if (one === undefined || next === undefined) return false;
  const between = text.slice(one.to, next.from);
  return between === ' ' || between === '-' || (between === '.' && one.bare.length === 1 && next.bare.length === 1);
}
