import { readSaid, saidBoth, saidTogether, unsigned } from './tools/said.ts';

/** What is said instead of an answer; the nano models are trained to say the same. */
export const DECLINE_TEXT = 'Sorry, I cannot help with that yet. I can tell the time, do sums, convert units and set timers.';

/** What the rule judges: the question's words (after `normalise`), and what the model made of it. */
export interface Judged {
  readonly words: readonly string[];
  readonly known: ReadonlySet<string>;
  /** Mean natural logarithm of the answer's token probabilities; undefined where the engine cannot say. */
  readonly meanLogProb: number | undefined;
  /** The model's own text, call or not: words copied into it are not held against the question. */
  readonly answer?: string;
}

/** Calibrated per model, see the model card. */
export interface DeclineThresholds {
  /** Share of unknown content words that is too much by itself, above 0. */
  readonly unknownShareMax: number;
  /** Mean log probability that is too low by itself, below 0. */
  readonly meanLogProbMin: number;
}

export type Judgement = { readonly kind: 'answer' } | { readonly kind: 'decline'; readonly because: string };

/** Questions longer than this are no requests; the models were trained on far shorter ones. */
const WORDS_MAX = 60;

/** Words that carry no content: they are known, and too common to vouch for a question. */
export const FUNCTION_WORDS: ReadonlySet<string> = new Set(
  (
    'a an the this that these those i you he she it we they me him her us them my your his its our their mine yours who what which when where why how ' +
    'is are am was were be been being do does did done have has had having can could will would shall should may might must not no yes ' +
    'and or but if so then than as of in on at to from for by with about into over under up down out off again ' +
    'there here some any all each every both just only very too also please now tell say give get let go make take put know want need like'
  ).split(' '),
);

/**
 * Decides whether an answer may be given. Declines when nothing was asked, when the question is too long, and when unknown words and
 * the model's doubt together pass what calibration allows.
 */
export function decline(input: Judged, thresholds: DeclineThresholds): Judgement {
  const noRequest = isNoRequest(input.words);
  if (noRequest) return no(noRequest);
  const strangeness = unknownShare(input) / thresholds.unknownShareMax;
  const doubt = (input.meanLogProb ?? 0) / thresholds.meanLogProbMin;
  if (strangeness + doubt >= 1) return no(strangeness >= doubt ? 'too many unknown words' : 'the model is unsure');
  return { kind: 'answer' };
}

/** Why these words are no request at all, whatever a model would make of them; undefined when they may be one. */
export function isNoRequest(words: readonly string[]): string | undefined {
  if (words.length === 0) return 'nothing was asked';
  return words.length > WORDS_MAX ? 'the question is too long' : undefined;
}

const no = (because: string): Judgement => ({ kind: 'decline', because });

/** Share of the content words that are neither of the domain nor copied into the answer; 0 when there is no content word. */
export function unknownShare(input: Pick<Judged, 'words' | 'known' | 'answer'>): number {
  const copied = new Set((input.answer ?? '').toLowerCase().split(/[^\p{L}\p{N}]+/u));
  const content = input.words.filter((word) => !FUNCTION_WORDS.has(word) && !isNumber(word));
  if (content.length === 0) return 0;
  return content.filter((word) => !input.known.has(word) && !copied.has(word)).length / content.length;
}

/** Arguments that are the tool's own words, or what it assumes when nothing is said. */
const OWN_WORDS: Readonly<Record<string, readonly string[]>> = {
  calc: ['+', '-', '*', '/', '%'],
  timer: ['set', 'cancel', 'left'],
  count: ['1'],
  choose: ['|'],
};

/**
 * Whether everything that a call would act on was said: numbers (in any sign: "minus 5" may have been read as -5), units in singular
 * or plural, and each word of an option. Pure; `said` is normalised text of the question and, for follow-ups, of the turns before it.
 * Text that is no call has no arguments and passes.
 */
export function argumentsInQuestion(answer: string, said: string): boolean {
  const [, name, rest = ''] = /^<([a-z]+)((?: [^<>]*)?)>$/.exec(answer.trim()) ?? [];
  if (name === undefined) return true;
  const words = new Set(said.split(' ').flatMap((word) => [word, singular(word), unsigned(word)]));
  const own = Object.hasOwn(OWN_WORDS, name) ? (OWN_WORDS[name] ?? []) : [];
  const parts = rest.split(' ').filter((part) => part !== '');
  return (
    parts.every((part) => own.includes(part) || words.has(part) || words.has(unsigned(part))) && areOfOnePiece(name, parts, said)
  );
}

/** Whether arguments that were said belong together: "64 minus 64" was not asked for where 64 was said once, nor kilometers of miles. */
function areOfOnePiece(name: string, [first = '', second = '', third = '']: readonly string[], text: string): boolean {
  if (name === 'calc') return saidBoth(readSaid(text), first, third);
  if (name === 'unit') return second !== third && saidTogether(readSaid(text), first, second);
  if (name === 'timer' && first === 'set') return saidTogether(readSaid(text), second, third);
  return true;
}

function singular(word: string): string {
  if (word === 'feet') return 'foot';
  if (word === 'inches') return 'inch';
  return word.endsWith('s') ? word.slice(0, -1) : word;
}

function isNumber(word: string): boolean {
  return /^-?\d+(\.\d+)?$/.test(word);
}
