import { unitSaid } from './units.ts';

/** What a call may take its arguments from: the normalised words of a conversation, read once. */
export interface Said {
  readonly words: readonly string[];
  /** In order, as often as they were said. */
  readonly numbers: readonly string[];
  /** Canonical names of the units that were said. */
  readonly units: readonly string[];
  /** Numbers with the unit said right after them: "5 miles", "30 degrees celsius". */
  readonly amounts: readonly Amount[];
}

export interface Amount {
  readonly value: string;
  readonly unit: string;
}

/** "how many 8s are in 40". */
const MANY = /^(\d+(?:\.\d+)?)s$/;
const NUMBER = /^-?\d+(\.\d+)?$/;
/** Words that let one number stand on both sides of a sum. */
const SQUARES: ReadonlySet<string> = new Set(['squared', 'square', 'itself', 'double', 'doubled', 'twice']);

export function readSaid(text: string): Said {
  const words = text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => word.replace(MANY, '$1'));
  const units = words.map(unitSaid).filter((unit) => unit !== undefined);
  return { words, numbers: words.filter((word) => NUMBER.test(word)), units: [...new Set(units)], amounts: amountsOf(words) };
}

function amountsOf(words: readonly string[]): Amount[] {
  return words.flatMap((value, at) => {
    const next = words[at + 1] === 'degrees' || words[at + 1] === 'degree' ? at + 2 : at + 1;
    const unit = unitSaid(words[next] ?? '');
    return NUMBER.test(value) && unit !== undefined ? [{ value, unit }] : [];
  });
}

/** Whether both numbers were said, and twice where they are the same one, unless the words say that one number does for both. */
export function saidBoth({ words, numbers }: Said, left: string, right: string): boolean {
  const times = (number: string): number => numbers.filter((each) => unsigned(each) === unsigned(number)).length;
  if (unsigned(left) !== unsigned(right)) return times(left) > 0 && times(right) > 0;
  return times(left) > 1 || (times(left) === 1 && words.some((word) => SQUARES.has(word)));
}

/** Whether the value may be of this unit: it is not when it was only ever said with others. */
export function saidTogether({ amounts }: Said, value: string, unit: string): boolean {
  const own = amounts.filter((amount) => unsigned(amount.value) === unsigned(value));
  return own.length === 0 || own.some((amount) => amount.unit === unit);
}

/** "minus 5" may have been read as -5 where a difference was meant. */
export function unsigned(number: string): string {
  return number.replace(/^-(?=\d)/, '');
}
