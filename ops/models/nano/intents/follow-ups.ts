import type { Chance } from '../random.ts';
import { APPLIANCES, number, smallNumber } from '../words.ts';
import { unitPair } from './conversions.ts';
import { JOKES } from './talk.ts';

/** A turn that has been: what was asked, and what the listener heard. */
export interface Turn {
  readonly question: string;
  readonly heard: string;
}

/** A question that only makes sense after the turn before it. */
export interface FollowUp {
  readonly name: string;
  readonly weight: number;
  /** First the words for the vocabulary; slots are written as in patterns. */
  readonly patterns: readonly string[];
  fill(chance: Chance): { readonly before: Turn; readonly slots: Readonly<Record<string, string>>; readonly answer: string };
}

const DATE_ASKED: readonly string[] = ['what day is it', 'what is the date today', 'what is todays date', 'which day is it today', 'tell me the date', 'what is the date'];
const today = (chance: Chance): Turn => ({
  question: chance.pick(DATE_ASKED),
  heard: `It is ${chance.pick(['Monday', 'Tuesday', 'Friday', 'Sunday'])}, ${chance.pick(['March', 'June', 'November'])} ${chance.between(1, 28)}.`,
});
const timerSet = (chance: Chance): Turn => {
  const n = smallNumber(chance);
  return { question: `${chance.pick(['set a timer for', 'start a timer for', 'timer for'])} ${n} minutes`, heard: `A timer is set for ${n} minutes.` };
};
const still = (name: string, weight: number, before: (chance: Chance) => Turn, answer: string, patterns: readonly string[]): FollowUp => ({
  name,
  weight,
  patterns,
  fill: (chance) => ({ before: before(chance), slots: {}, answer }),
});
const says = (question: readonly string[], heard: readonly string[]) => (chance: Chance): Turn => ({ question: chance.pick(question), heard: chance.pick(heard) });

const AGAIN = ['again', 'once more', 'another one', 'one more', 'do it again', 'another time', '(and|now|ok|please) again', 'give me another [one]', 'try again', '(another|one more) (one|please)', 'do that again'];

export const FOLLOW_UPS: readonly FollowUp[] = [
  still('date-tomorrow', 1.5, today, '<date tomorrow>', ['[and|ok and|so|then] tomorrow', '[and] (what about|how about|what is|what is it) tomorrow [then]', 'and the date tomorrow', 'tomorrow then']),
  still('date-yesterday', 1.5, today, '<date yesterday>', ['[and|ok and|so|then] yesterday', '[and] (what about|how about|what was|what was it) yesterday [please]', 'and the date yesterday', 'yesterday then']),
  {
    name: 'calc',
    weight: 5,
    patterns: ['[and|now|then|ok|okay] [that] {op} {n} [what is it|please]', '[and] (what is|what about|how about|how much is) (that|this|it) {op} {n}', '{op} {n} [please|what is it|now]', '(now|then|and|and then) {do}', '{do} [please|now]', 'that (result|number) {op} {n}', 'the result {op} {n}'],
    fill(chance) {
      const [a, b, n] = [smallNumber(chance), number(chance), number(chance)];
      const sum = String(Math.round((Number(a) + Number(b)) * 100) / 100);
      const [spoken, operator, order] = chance.pick([['plus', '+', 'add {n}'], ['minus', '-', 'subtract {n}'], ['times', '*', 'multiply [that|it] by {n}'], ['divided by', '/', 'divide [that|it] by {n}'], ['minus', '-', 'take away {n}'], ['times', '*', 'multiply it with {n}']] as const);
      return {
        before: { question: `${chance.pick(['what is ', '', 'how much is '])}${a} plus ${b}`, heard: `${a} plus ${b} is ${sum}.` },
        slots: { op: spoken, n, do: order.replace('{n}', n).replace('[that|it]', chance.pick(['that', 'it', 'the result'])) },
        answer: `<calc ${sum} ${operator} ${n}>`,
      };
    },
  },
  {
    name: 'unit',
    weight: 4,
    patterns: ['[and|now|then|ok] (what about|how about|what is|for|) {n} {from}', '[and|now] {n}', '[and] {n} {from}', '(do|try|convert) {n} {from} [now|too]', '(what|how) about {n} [then]', 'and for {n} {from}', 'the same [thing] (with|but for) {n} {from}'],
    fill(chance) {
      const [from, to] = unitPair(chance);
      const [a, n] = [smallNumber(chance), number(chance)];
      return {
        before: { question: chance.pick([`how many ${to.plural} are ${a} ${from.plural}`, `convert ${a} ${from.plural} to ${to.plural}`, `${a} ${from.plural} in ${to.plural}`, `what is ${a} ${from.plural} in ${to.plural}`]), heard: `${a} ${from.plural} ${chance.pick(['is', 'are', 'is about'])} ${number(chance)} ${to.plural}.` },
        slots: { n, from: from.plural },
        answer: `<unit ${n} ${from.name} ${to.name}>`,
      };
    },
  },
  {
    name: 'timer-set',
    weight: 3,
    patterns: ['[no|actually|wait|sorry|oh] (make|change|set) (it|that|the timer) [to] {n} {u} [instead|please]', '[no|actually|sorry] {n} {u} [instead|please|would be better|i mean]', '[and] another [one|timer] for {n} {u}', '[and|also] one [more] for {n} {u}', 'i (meant|mean|said) {n} {u}', 'better {n} {u}', '(and|also|then) {n} {u}'],
    fill(chance) {
      const n = smallNumber(chance);
      const unit = chance.pick(['minute', 'minute', 'second', 'hour']);
      return { before: timerSet(chance), slots: { n, u: n === '1' ? unit : `${unit}s` }, answer: `<timer set ${n} ${unit}>` };
    },
  },
  still('timer-left', 2, timerSet, '<timer left>', ['[and] how (long|much time|many minutes) (is left|now|left|remains|to go|still)', 'how (long|much) is (left|it now|that now)', '(time left|how far|is it done|is it over|how long)', '[and] (when|is) (is it|it) (done|over|finished|up) [yet]', 'what is left', 'how (much longer|long) (do i have|does it take|will it take|is it|have i got) [now|still]']),
  still('timer-cancel', 2, timerSet, '<timer cancel>', ['[no|actually|ok|sorry|oh] (cancel|stop|delete|forget|remove|kill|end) (it|that|this) [please|again|now]', '(no|actually|sorry) (never mind|i do not need it|do not)', 'i (do not|no longer) need (it|that) [any more|now]', 'turn it off [again]', 'undo that']),
  {
    name: 'device-off',
    weight: 3,
    patterns: ['[and|ok|now|please|then] (turn|switch|put) (it|them|that) off [again|now|please]', '[and|now] off [again|please]', '(turn|switch) off [again]', '(it|they) should be off', 'no off'],
    fill(chance) {
      const d = chance.pick(APPLIANCES);
      return { before: { question: chance.pick([`turn on the ${d}`, `switch the ${d} on`, `${d} on please`]), heard: `Turning the ${d} on.` }, slots: {}, answer: `Turning the ${d} off.` };
    },
  },
  {
    name: 'device-on',
    weight: 3,
    patterns: ['[and|ok|now|please|then] (turn|switch|put) (it|them|that) [back] on [again|now|please]', '[and|now] (on|back on) [again|please]', '(turn|switch) on [again]', '(it|they) should be on', 'no on'],
    fill(chance) {
      const d = chance.pick(APPLIANCES);
      return { before: { question: chance.pick([`turn off the ${d}`, `switch the ${d} off`, `${d} off please`]), heard: `Turning the ${d} off.` }, slots: {}, answer: `Turning the ${d} on.` };
    },
  },
  {
    name: 'device-too',
    weight: 2,
    patterns: ['[and|and also|also|now|then] the {e} [too|as well|please]', '[and] (what about|how about|do|do the same for|the same for|the same with) the {e}', '(same|the same) for the {e}'],
    fill(chance) {
      const [d, e, way] = [chance.pick(APPLIANCES), chance.pick(APPLIANCES), chance.pick(['on', 'off'])];
      return { before: { question: chance.pick([`turn ${way} the ${d}`, `switch the ${d} ${way}`]), heard: `Turning the ${d} ${way}.` }, slots: { e }, answer: `Turning the ${e} ${way}.` };
    },
  },
  still('coin', 1, says(['flip a coin', 'toss a coin', 'heads or tails'], ['It is heads.', 'It is tails.', 'Heads.', 'Tails.']), '<coin>', AGAIN),
  still('dice', 1, says(['roll a dice', 'throw the dice', 'roll the dice'], ['You rolled a 4.', 'It is a 2.', 'You rolled a 6.']), '<dice>', AGAIN),
  still('joke-another', 1.5, says(['tell me a joke', 'do you know a joke', 'make me laugh'], [JOKES[0]]), JOKES[1], AGAIN),
  still('joke-third', 1.5, says(['another one', 'another joke', 'one more', 'tell me another joke'], [JOKES[1]]), JOKES[2], AGAIN),
];
