/**
 * Word errors as the project counts them. Texts are made comparable first: lower case, no punctuation, hyphenated words split,
 * `mr` is `mister`, digits are words. Spelling variants are not forgiven.
 */

const SMALL = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
  'thirteen',
  'fourteen',
  'fifteen',
  'sixteen',
  'seventeen',
  'eighteen',
  'nineteen',
];
const TENS = ['', '', 'twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'];
const TITLES: Readonly<Record<string, string>> = { mr: 'mister' };

/** The words of a text, comparable. */
export function comparableWords(text: string): readonly string[] {
  const plain = text
    .toLowerCase()
    .replace(/['’]/g, '')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
  const words = plain === '' ? [] : plain.split(' ');
  return words.flatMap((word) => (/^\d+$/.test(word) ? numberWords(Number(word)) : [TITLES[word] ?? word]));
}

/** Fewest insertions, deletions and substitutions of words that turn one text into the other. */
export function wordErrors(reference: string, hypothesis: string): number {
  const wanted = comparableWords(reference);
  let row = Array.from({ length: wanted.length + 1 }, (_, index) => index);
  for (const [index, word] of comparableWords(hypothesis).entries()) {
    const next = [index + 1];
    for (const [at, other] of wanted.entries()) {
      const substituted = (row[at] ?? 0) + (word === other ? 0 : 1);
      next.push(Math.min(substituted, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

function numberWords(value: number): readonly string[] {
  if (value < 20) return [SMALL[value] ?? ''];
  if (value < 100) return [TENS[Math.floor(value / 10)] ?? '', ...(value % 10 === 0 ? [] : numberWords(value % 10))];
  if (value < 1000)
    return [...numberWords(Math.floor(value / 100)), 'hundred', ...(value % 100 === 0 ? [] : numberWords(value % 100))];
  if (value < 1_000_000)
    return [...numberWords(Math.floor(value / 1000)), 'thousand', ...(value % 1000 === 0 ? [] : numberWords(value % 1000))];
  return Array.from(String(value)).flatMap((digit) => numberWords(Number(digit)));
}
