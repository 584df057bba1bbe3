import { readNumber } from './number-words.ts';

/** Sounds of hesitation: they carry no meaning and vary with the recogniser. */
const HESITATIONS = new Set(['um', 'umm', 'uh', 'uhm', 'er', 'erm', 'hm', 'hmm', 'ah', 'mm']);

/** Spoken short forms and their long forms, so that the model meets one spelling only. */
const CONTRACTIONS = new Map(
  Object.entries({
    "what's": 'what is',
    whats: 'what is',
    "what're": 'what are',
    "who's": 'who is',
    whos: 'who is',
    "where's": 'where is',
    "when's": 'when is',
    "how's": 'how is',
    hows: 'how is',
    "why's": 'why is',
    "name's": 'name is',
    "that's": 'that is',
    thats: 'that is',
    "there's": 'there is',
    "here's": 'here is',
    "it's": 'it is',
    "he's": 'he is',
    "she's": 'she is',
    "let's": 'let us',
    lets: 'let us',
    "i'm": 'i am',
    im: 'i am',
    "you're": 'you are',
    youre: 'you are',
    "we're": 'we are',
    "they're": 'they are',
    "i've": 'i have',
    ive: 'i have',
    "you've": 'you have',
    "we've": 'we have',
    "they've": 'they have',
    "i'd": 'i would',
    "you'd": 'you would',
    "we'd": 'we would',
    "i'll": 'i will',
    "you'll": 'you will',
    "we'll": 'we will',
    "it'll": 'it will',
    "don't": 'do not',
    dont: 'do not',
    "doesn't": 'does not',
    "didn't": 'did not',
    "can't": 'can not',
    cant: 'can not',
    cannot: 'can not',
    "won't": 'will not',
    "isn't": 'is not',
    "aren't": 'are not',
    "wasn't": 'was not',
    "couldn't": 'could not',
    "wouldn't": 'would not',
    "shouldn't": 'should not',
    "haven't": 'have not',
    "hasn't": 'has not',
    wanna: 'want to',
    gonna: 'going to',
    gotta: 'got to',
    gimme: 'give me',
    lemme: 'let me',
    dunno: 'do not know',
  }),
);

/** British spellings, abbreviations and short names of units; the model knows the plural words on the right. */
const UNIT_SPELLINGS = new Map(
  Object.entries({
    metre: 'meter',
    metres: 'meters',
    kilometre: 'kilometer',
    kilometres: 'kilometers',
    centimetre: 'centimeter',
    centimetres: 'centimeters',
    millimetre: 'millimeter',
    millimetres: 'millimeters',
    litre: 'liter',
    litres: 'liters',
    millilitre: 'milliliter',
    millilitres: 'milliliters',
    kilo: 'kilogram',
    kilos: 'kilograms',
    kilogramme: 'kilogram',
    kilogrammes: 'kilograms',
    gramme: 'gram',
    grammes: 'grams',
    tonne: 'ton',
    tonnes: 'tons',
    centigrade: 'celsius',
    tablespoonful: 'tablespoon',
    tablespoonfuls: 'tablespoons',
    km: 'kilometers',
    kms: 'kilometers',
    cm: 'centimeters',
    mm: 'millimeters',
    kg: 'kilograms',
    kgs: 'kilograms',
    mg: 'milligrams',
    ml: 'milliliters',
    lb: 'pounds',
    lbs: 'pounds',
    oz: 'ounces',
    ft: 'feet',
    yd: 'yards',
    tbsp: 'tablespoons',
    tsp: 'teaspoons',
    mins: 'minutes',
    min: 'minutes',
    secs: 'seconds',
    sec: 'seconds',
    hrs: 'hours',
    hr: 'hours',
    fahrenheit: 'fahrenheit',
  }),
);

/** Units that "a" and "an" count, as in "wait a minute" or "half an hour". */
const COUNTED_UNITS = new Set(
  (
    'second minute hour day week year mile kilometer meter centimeter millimeter foot inch yard kilogram gram milligram ton pound ounce stone ' +
    'liter milliliter gallon pint quart cup tablespoon teaspoon'
  ).split(' '),
);

/** Words before "one" that make it a pronoun. */
const PRONOUN_BEFORE_ONE = new Set('another this that which no any every good the each only next last new some'.split(' '));

/** Words that stand for a number already known: "that minus five" subtracts. */
const RESULTS = new Set('that this it result number answer sum total'.split(' '));

/** Spellings that recognisers have learned from old and from British books. */
const OLD_DAYS = /\bto-(day|night|morrow)\b/g;
const PER_CENT = /\bper cent\b/g;

/**
 * Text as the embedded models read it: lower case, no punctuation, numbers as digits ("Twenty-five" and "25" alike), short forms
 * written out, unit spellings unified. Training and serving both call this function, so that they cannot diverge.
 * Pure, and linear in the length of the text.
 */
export function normalise(text: string): string {
  const plain = text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(OLD_DAYS, 'to$1')
    .replace(PER_CENT, 'percent');
  const words = symbolsToWords(plain)
    .split(/\s+/u)
    .map(bareWord)
    .filter((word) => word !== '' && !HESITATIONS.has(word))
    .map((word) => CONTRACTIONS.get(word) ?? UNIT_SPELLINGS.get(word) ?? word)
    .map((word) => word.replaceAll("'", ''));
  return wordsToDigits(words.join(' '));
}

/**
 * Replaces number words by digits in lower-case text without punctuation: "a hundred and twenty" becomes "120", "three point five" "3.5",
 * "half an hour" "30 minutes", "minus five" "-5" where no number stands before it. Other words stay as they are.
 */
export function wordsToDigits(text: string): string {
  const words = text.split(' ').filter((word) => word !== '');
  const out: string[] = [];
  let at = 0;
  while (at < words.length) {
    const step = readSpan(words, at) ?? readAmount(words, at, out.at(-1)) ?? { text: words[at] ?? '', next: at + 1 };
    out.push(...step.text.split(' '));
    at = step.next;
  }
  return out.join(' ');
}

interface Step {
  readonly text: string;
  readonly next: number;
}

/** "half an hour", "a quarter of an hour", "an hour and a half", "a mile", "a couple of", "half a dozen". */
function readSpan(words: readonly string[], at: number): Step | undefined {
  const here = (length: number): string => words.slice(at, at + length).join(' ');
  if (here(3) === 'half a dozen') return { text: '6', next: at + 3 };
  if (here(2) === 'a dozen') return { text: '12', next: at + 2 };
  if (here(3) === 'a couple of') return { text: '2', next: at + 3 };
  return readPartOfUnit(words, at) ?? readSingleUnit(words, at);
}

const PARTS: readonly (readonly [words: string, share: number])[] = [
  ['half an', 0.5],
  ['half a', 0.5],
  ['a quarter of an', 0.25],
  ['quarter of an', 0.25],
  ['a quarter of a', 0.25],
  ['three quarters of an', 0.75],
  ['3 quarters of an', 0.75],
];

function readPartOfUnit(words: readonly string[], at: number): Step | undefined {
  for (const [part, share] of PARTS) {
    const length = part.split(' ').length;
    const unit = words[at + length];
    if (unit === undefined || !COUNTED_UNITS.has(unit) || words.slice(at, at + length).join(' ') !== part) continue;
    return { text: amountOf(share, unit), next: at + length + 1 };
  }
  return undefined;
}

function readSingleUnit(words: readonly string[], at: number): Step | undefined {
  const unit = words[at + 1];
  if ((words[at] !== 'a' && words[at] !== 'an') || unit === undefined || !COUNTED_UNITS.has(unit)) return undefined;
  if (words.slice(at + 2, at + 5).join(' ') === 'and a half') return { text: amountOf(1.5, unit), next: at + 5 };
  return { text: `1 ${unit}`, next: at + 2 };
}

/** Parts of hours and minutes are said in the next smaller unit, which is what timers want. */
function amountOf(share: number, unit: string): string {
  if (unit === 'hour') return `${share * 60} minutes`;
  if (unit === 'minute') return `${share * 60} seconds`;
  return `${share} ${unit}`;
}

function readAmount(words: readonly string[], at: number, before: string | undefined): Step | undefined {
  const isSign = (words[at] === 'minus' || words[at] === 'negative') && !isNumber(before) && !RESULTS.has(before ?? '');
  const number = readNumber(words, isSign ? at + 1 : at);
  if (number === undefined || number.text.startsWith('-')) return undefined;
  if (words[at] === 'one' && number.next === at + 1 && isPronoun(before, words[at + 1])) return undefined;
  return { text: isSign ? `-${number.text}` : number.text, next: number.next };
}

function isPronoun(before: string | undefined, after: string | undefined): boolean {
  return (before !== undefined && PRONOUN_BEFORE_ONE.has(before)) || after === 'more' || after === 'of';
}

function isNumber(word: string | undefined): boolean {
  return word !== undefined && /^-?\d+(\.\d+)?$/.test(word);
}

/** Signs that recognisers write between and after digits, as the words they stand for. */
function symbolsToWords(text: string): string {
  return text
    .replace(/[‘’ʼ`]/gu, "'")
    .replace(/[−–—]/gu, '-')
    .replace(/(?<=\d),(?=\d{3}(?!\d))/g, '')
    .replace(/\be\.g\./g, ' ')
    .replace(/\$(\d+(?:\.\d+)?)/g, '$1 dollars')
    .replace(/°\s?([cf])\b/g, (_, scale: string) => (scale === 'c' ? ' degrees celsius ' : ' degrees fahrenheit '))
    .replace(/°/g, ' degrees ')
    .replace(/%/g, ' percent ')
    .replace(/(?<=\d)\s*[*×x]\s*(?=\d)/g, ' times ')
    .replace(/(?<=\d)\s*[÷/]\s*(?=\d)/g, ' divided by ')
    .replace(/(?<=\d)\s*-\s*(?=\d)|(?<=\d)\s+-\s+/g, ' minus ')
    .replace(/\+/g, ' plus ')
    .replace(/=/g, ' equals ')
    .replace(/(?<=\d)(?=(?:km|kms|cm|mm|kg|kgs|mg|ml|lb|lbs|oz|ft|mins?|secs?|hrs?|am|pm)\b)/g, ' ')
    .replace(/(?<![\d.])\.(?=\d)/g, ' 0.')
    .replace(/(?<!\d)\.|\.(?!\d)/g, ' ')
    .replace(/(?<=[\p{L}\p{N}])-|-(?!\d)/gu, ' ')
    .replace(/[^\p{L}\p{N}.'\s-]/gu, ' ');
}

/** Quotation marks around a word go; the apostrophe inside stays until contractions are read. */
function bareWord(word: string): string {
  return word.replace(/^'+|'+$/g, '');
}
