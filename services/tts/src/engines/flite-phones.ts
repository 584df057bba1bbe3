import type { Consonant, Phoneme, Vowel } from '@smartlite/trust';
import type { SpeechRequest } from '../engine.ts';
import { piecesOf } from './pieces.ts';

/** Flite's phones are those of the CMU dictionary, in lower case. */
const PHONES: Readonly<Record<Consonant | Vowel, string>> = {
  p: 'p',
  b: 'b',
  t: 't',
  d: 'd',
  k: 'k',
  ɡ: 'g',
  f: 'f',
  v: 'v',
  θ: 'th',
  ð: 'dh',
  s: 's',
  z: 'z',
  ʃ: 'sh',
  ʒ: 'zh',
  h: 'hh',
  m: 'm',
  n: 'n',
  ŋ: 'ng',
  l: 'l',
  ɹ: 'r',
  w: 'w',
  j: 'y',
  tʃ: 'ch',
  dʒ: 'jh',
  i: 'iy',
  ɪ: 'ih',
  eɪ: 'ey',
  ɛ: 'eh',
  æ: 'ae',
  ɑ: 'aa',
  ɒ: 'aa',
  ɔ: 'ao',
  oʊ: 'ow',
  ʊ: 'uh',
  u: 'uw',
  ʌ: 'ah',
  ə: 'ax',
  ɝ: 'er',
  aɪ: 'ay',
  aʊ: 'aw',
  ɔɪ: 'oy',
};

/** Sounds as Flite takes them: vowels are stressed (1) or not (0), it knows no secondary stress. */
export function flitePhones(phonemes: readonly Phoneme[]): string {
  return phonemes
    .map((each) => (each.kind === 'vowel' ? `${PHONES[each.sound]}${each.stress === 0 ? 0 : 1}` : PHONES[each.sound]))
    .join(' ');
}

/**
 * How Flite is told what to say. A text with terms is SSML: it holds no `<`, `>` or `&` of its own (`speakable`), so the only markup is
 * ours. Punctuation after a term goes into its element, for Flite forgets what follows one directly.
 */
export function fliteText(request: Pick<SpeechRequest, 'text' | 'pronounced'>): readonly string[] {
  const pieces = piecesOf(request);
  if (!pieces.some(({ kind }) => kind === 'term')) return ['-t', request.text];
  const marked = pieces.map((piece, index) => {
    if (piece.kind === 'term') return phonemeElement(piece.phonemes, punctuationOf(pieces[index + 1]?.text));
    return pieces[index - 1]?.kind === 'term' ? piece.text.slice(punctuationOf(piece.text).length) : piece.text;
  });
  return ['-ssml', '-t', `<speak>${marked.join('')}</speak>`];
}

/** The element's text is one word whatever the term: Flite says the phones once for each word in it. */
function phonemeElement(phonemes: readonly Phoneme[], punctuation: string): string {
  return `<phoneme ph="${flitePhones(phonemes)}">term${punctuation}</phoneme>`;
}

function punctuationOf(following = ''): string {
  return /^[.,;:!?]+(?=\s|$)/.exec(following)?.[0] ?? '';
}
