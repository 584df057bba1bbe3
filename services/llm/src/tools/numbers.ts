/** Digits after the point that are worth saying. */
const DECIMALS = 4;
/** Digits that are said of a number too small for those. */
const SMALL_DIGITS = 3;
/** Smaller than this is "almost zero" to a listener. */
const SMALLEST_SAID = 1e-9;
/** Whole numbers are exact up to 2^53, and longer ones are no use to a listener. */
export const LARGEST_SAID = 1e15;

/** A number in the digits that a voice would say, its sign in words. */
export function spokenNumber(value: number): string {
  const rounded = roundedForSpeech(value);
  if (rounded === 0 && value !== 0) return 'almost zero';
  const digits =
    Math.abs(rounded) < 10 ** -DECIMALS ? Math.abs(rounded).toFixed(12).replace(/0+$/, '') : String(Math.abs(rounded));
  return rounded < 0 ? `minus ${digits}` : digits.replace(/\.$/, '');
}

/** A small number keeps its first digits: a millionth is not nothing. */
function roundedForSpeech(value: number): number {
  if (value !== 0 && Math.abs(value) < 10 ** -DECIMALS) {
    return Math.abs(value) < SMALLEST_SAID ? 0 : Number(value.toPrecision(SMALL_DIGITS));
  }
  return Number(value.toFixed(DECIMALS));
}

/** True where rounding for speech loses more than binary fractions do by themselves; "almost zero" says so itself. */
export function isRounded(value: number): boolean {
  const rounded = roundedForSpeech(value);
  return rounded !== 0 && Math.abs(rounded - value) > Math.abs(value) * 1e-9;
}
