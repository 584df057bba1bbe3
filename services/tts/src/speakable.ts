import { MeshError } from '@smartlite/contracts';

/** One sentence or so a call: about a minute of speech. Longer texts come as several calls, so that the first one is heard at once. */
export const TEXT_CHARACTERS_MAX = 1000;
/** Longer runs are no words; a synthesiser would spell them for minutes. */
const WORD_CHARACTERS_MAX = 100;

/** Signs that have a usual reading, or a plain spelling. */
const READINGS: Readonly<Record<string, string>> = {
  '‘': "'",
  '’': "'",
  '“': '"',
  '”': '"',
  '–': ', ',
  '—': ', ',
  '…': '...',
  '&': ' and ',
  '<': ' less than ',
  '>': ' greater than ',
  '°': ' degrees ',
  '€': ' euros ',
  '£': ' pounds ',
  '×': ' times ',
  '÷': ' divided by ',
  '≈': ' about ',
  '²': ' squared ',
  '³': ' cubed ',
  ß: 'ss',
  æ: 'ae',
  Æ: 'Ae',
  œ: 'oe',
  Œ: 'Oe',
  ø: 'o',
  Ø: 'O',
  đ: 'd',
  Đ: 'D',
  ł: 'l',
  Ł: 'L',
  ð: 'd',
  þ: 'th',
};

/**
 * Text as the synthesisers take it: printable ASCII without `<`, `>` and `&`, so that no text is ever taken for markup. Accents are
 * dropped, common signs are read out, emoji and control characters are left out.
 * Throws `invalid-argument` for a text without anything to speak, with letters that the voices cannot speak, or with an overlong
 * word; `payload-too-large` for an overlong text. Messages name positions and code points, never the text.
 */
export function speakable(text: string): string {
  const characters = Array.from(text);
  if (characters.length > TEXT_CHARACTERS_MAX) {
    throw new MeshError(
      'payload-too-large',
      `text: ${characters.length} characters; at most ${TEXT_CHARACTERS_MAX} a call, send it sentence by sentence`,
    );
  }
  const read = characters
    .map((character, index) => reading(character, index))
    .join('')
    .replace(/\s+/g, ' ')
    .trim();
  if (!/[a-z0-9]/i.test(read)) throw new MeshError('invalid-argument', 'text: there is nothing to speak; send at least one word');
  if (read.split(' ').some((word) => word.length > WORD_CHARACTERS_MAX)) {
    throw new MeshError('invalid-argument', `text: a word has more than ${WORD_CHARACTERS_MAX} characters; send words`);
  }
  return read;
}

function reading(character: string, index: number): string {
  const known = READINGS[character];
  if (known !== undefined) return known;
  const plain = character.normalize('NFKD').replace(/\p{M}/gu, '');
  if (/^[ -~]*$/.test(plain)) return plain;
  if (/\p{L}/u.test(plain)) throw unspeakable(character, index);
  return ' ';
}

function unspeakable(character: string, index: number): MeshError {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return new MeshError(
    'invalid-argument',
    `text: character ${index + 1} (U+${code}) is of a script that the voices cannot speak; send Latin letters`,
  );
}
