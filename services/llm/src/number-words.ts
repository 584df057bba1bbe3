const SMALL = new Map(
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'
    .split(' ')
    .map((word, value) => [word, value] as const),
);
const TENS = new Map(
  'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ').map((word, index) => [word, (index + 2) * 10] as const),
);
const SCALES = new Map([
  ['thousand', 1e3],
  ['million', 1e6],
  ['billion', 1e9],
]);
/** What "and a half" adds, as the digits behind the point. */
const FRACTIONS = new Map([
  ['and a half', '5'],
  ['and a quarter', '25'],
  ['and three quarters', '75'],
]);
const LITERAL = /^-?\d+(\.\d+)?$/;

/** A number and the index of the first word behind it. */
export interface NumberRead {
  readonly text: string;
  readonly next: number;
}

/**
 * Reads the number that starts at `words[at]`, in words, digits or both ("3 hundred"); undefined when none starts there.
 * Words that cannot belong to one number end it: "thirty three four" reads 33.
 */
export function readNumber(words: readonly string[], at: number): NumberRead | undefined {
  if (words[at] === 'point') return readDecimals(words, at, '0');
  const whole = readWhole(words, at);
  if (whole === undefined) return undefined;
  return readDecimals(words, whole.next, whole.text) ?? readFraction(words, whole) ?? whole;
}

function readWhole(words: readonly string[], at: number): NumberRead | undefined {
  const literal = words[at];
  if (literal !== undefined && LITERAL.test(literal)) return readScaledLiteral(words, at, literal);
  let total = 0;
  let scaleBelow = Number.POSITIVE_INFINITY;
  let next = at;
  while (true) {
    const group = readGroup(words, skipAnd(words, next, next > at));
    if (group === undefined) break;
    const scale = SCALES.get(words[group.next] ?? '');
    if (scale === undefined || scale >= scaleBelow) return { text: String(total + group.value), next: group.next };
    total += group.value * scale;
    scaleBelow = scale;
    next = group.next + 1;
  }
  return next > at ? { text: String(total), next } : undefined;
}

/** "3 hundred" and "2.5 million"; a literal alone stays as it was written. */
function readScaledLiteral(words: readonly string[], at: number, literal: string): NumberRead {
  const scaleWord = words[at + 1] ?? '';
  const scale = scaleWord === 'hundred' ? 100 : SCALES.get(scaleWord);
  if (scale === undefined || literal.length > 6) return { text: literal, next: at + 1 };
  return { text: String(Math.round(Number(literal) * scale)), next: at + 2 };
}

interface Group {
  readonly value: number;
  readonly next: number;
}

/** A number below 10 000 as said before "thousand" or at the end: "twenty five", "a hundred and one", "eleven hundred". */
function readGroup(words: readonly string[], at: number): Group | undefined {
  const isArticle = words[at] === 'a' && (words[at + 1] === 'hundred' || SCALES.has(words[at + 1] ?? ''));
  if (isArticle && words[at + 1] !== 'hundred') return { value: 1, next: at + 1 };
  const head = isArticle ? { value: 1, next: at + 1 } : readBelowHundred(words, at);
  if (head === undefined) return undefined;
  if (words[head.next] !== 'hundred') return head;
  const tail = readBelowHundred(words, skipAnd(words, head.next + 1, true));
  if (tail === undefined || head.value === 0) return { value: head.value * 100, next: head.next + 1 };
  return { value: head.value * 100 + tail.value, next: tail.next };
}

function readBelowHundred(words: readonly string[], at: number): Group | undefined {
  const word = words[at] ?? '';
  const small = SMALL.get(word);
  if (small !== undefined) return { value: small, next: at + 1 };
  const tens = TENS.get(word);
  if (tens === undefined) return undefined;
  const ones = SMALL.get(words[at + 1] ?? '') ?? 0;
  return ones >= 1 && ones <= 9 ? { value: tens + ones, next: at + 2 } : { value: tens, next: at + 1 };
}

/** The "and" in "a hundred and five" belongs to the number only when more of the number follows. */
function skipAnd(words: readonly string[], at: number, allowed: boolean): number {
  return allowed && words[at] === 'and' && readBelowHundred(words, at + 1) !== undefined ? at + 1 : at;
}

/** "point one four" behind a number, digit by digit. */
function readDecimals(words: readonly string[], at: number, whole: string): NumberRead | undefined {
  if (words[at] !== 'point' || whole.includes('.')) return undefined;
  let digits = '';
  let next = at + 1;
  for (; next < words.length; next++) {
    const digit = digitOf(words[next] ?? '');
    if (digit === undefined) break;
    digits += digit;
  }
  return digits === '' ? undefined : { text: `${whole}.${digits}`, next };
}

function digitOf(word: string): string | undefined {
  if (/^\d+$/.test(word)) return word;
  const small = SMALL.get(word);
  if (small !== undefined) return String(small);
  const tens = TENS.get(word);
  return tens === undefined ? undefined : String(tens);
}

function readFraction(words: readonly string[], whole: NumberRead): NumberRead | undefined {
  if (whole.text.includes('.')) return undefined;
  const fraction = FRACTIONS.get(words.slice(whole.next, whole.next + 3).join(' '));
  return fraction === undefined ? undefined : { text: `${whole.text}.${fraction}`, next: whole.next + 3 };
}
