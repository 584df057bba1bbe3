import type { Phoneme } from '@smartlite/trust';
import type { SpeechRequest } from '../engine.ts';

/** A stretch of a text: as it is written, or a term with its sounds. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'term'; readonly text: string; readonly phonemes: readonly Phoneme[] };

/** The text of a request cut at its terms. */
export function piecesOf({ text, pronounced = [] }: Pick<SpeechRequest, 'text' | 'pronounced'>): readonly Piece[] {
  let at = 0;
  const pieces = pronounced.flatMap(({ from, to, phonemes }): Piece[] => {
    const before = text.slice(at, from);
    at = to;
    return [
      { kind: 'text', text: before },
      { kind: 'term', text: text.slice(from, to), phonemes },
    ];
  });
  return [...pieces, { kind: 'text' as const, text: text.slice(at) }].filter((piece) => piece.text !== '');
}
