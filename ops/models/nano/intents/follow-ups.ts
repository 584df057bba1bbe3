import { heardFor } from '../heard.ts';
import type { Chance } from '../random.ts';
import { APPLIANCES, DIALS, number, smallNumber } from '../words.ts';
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
/** A turn whose answer is the one that the service gives for the call. */
const called = (question: string, call: string, chance: Chance): Turn => ({ question, heard: heardFor(call, chance) });
const today = (chance: Chance): Turn => called(chance.pick(DATE_ASKED), '<date>', chance);
const timerSet = (chance: Chance): Turn => {
  const n = smallNumber(chance);
  const unit = chance.pick(['minute', 'minute', 'minute', 'second', 'hour']);
  return called(`${chance.pick(['set a timer for', 'start a timer for', 'timer for', 'remind me in', 'put a timer on for'])} ${n} ${unit}${n === '1' ? '' : 's'}`, `<timer set ${n} ${unit}>`, chance);
};
const OPERATORS = [['plus', '+'], ['plus', '+'], ['minus', '-'], ['times', '*'], ['divided by', '/'], ['percent of', '%']] as const;
/** A sum and its result as a number that can be said again; sums that come out negative or very large are drawn anew. */
function sumHeard(chance: Chance): { readonly before: Turn; readonly result: string } {
  for (;;) {
    const [a, b] = [smallNumber(chance), number(chance)];
    const [word, operator] = chance.pick(OPERATORS);
    const before = called(`${chance.pick(['what is ', '', 'how much is ', 'calculate '])}${a} ${word} ${b}`, `<calc ${a} ${operator} ${b}>`, chance);
    const result = /is (?:about )?(\d+(?:\.\d+)?)\.$/.exec(before.heard)?.[1];
    if (result !== undefined) return { before, result };
  }
}
const still = (name: string, weight: number, before: (chance: Chance) => Turn, answer: string, patterns: readonly string[]): FollowUp => ({
  name,
  weight,
  patterns,
  fill: (chance) => ({ before: before(chance), slots: {}, answer }),
});
const says = (question: readonly string[], heard: readonly string[]) => (chance: Chance): Turn => ({ question: chance.pick(question), heard: chance.pick(heard) });

const AGAIN = ['(and|now|ok|please|come on) (one more time|once more|another one|do it again|one more)', '(let us|can we|can you|could you|will you) (do|try|have) (that|it|another|one more|another one) [again|please|once more]', '(go|once) again', 'and [another|one more] [time] please', 'a second one', 'the next one [please]', '(i want|give me|let me have|i need) (another|one more|a second one|another go)', 'repeat the (flip|toss|throw|roll|game) no do it again', 'keep going', 'more', 'again', 'once more', 'another one', 'one more', 'do it again', 'another time', '(and|now|ok|please) again', 'give me another [one]', 'try again', '(another|one more) (one|please)', 'do that again'];

/** Some call and its answer, for what one says after any answer. */
const drawnCall = (chance: Chance): Turn => {
  const [n, m] = [smallNumber(chance), smallNumber(chance)];
  const [question, call] = chance.pick([['what time is it', '<time>'], ['what day is it', '<date>'], [`what is ${n} times ${m}`, `<calc ${n} * ${m}>`], [`how many feet are ${n} meters`, `<unit ${n} meter foot>`], [`set a timer for ${n} minutes`, `<timer set ${n} minute>`], ['how is the mesh', '<status>'], [`what is ${n} plus ${m}`, `<calc ${n} + ${m}>`]] as const);
  return called(question, call, chance);
};

export const FOLLOW_UPS: readonly FollowUp[] = [
  still('date-tomorrow', 1.5, today, '<date tomorrow>', ['[and|ok and|so|then] tomorrow', '[and] (what about|how about|what is|what is it) tomorrow [then]', 'and the date tomorrow', 'tomorrow then']),
  still('date-yesterday', 1.5, today, '<date yesterday>', ['[and|ok and|so|then] yesterday', '[and] (what about|how about|what was|what was it) yesterday [please]', 'and the date yesterday', 'yesterday then']),
  {
    name: 'calc',
    weight: 7,
    patterns: ['[and|now|then|ok|okay] [that] {op} {n} [what is it|please]', '[and] (what is|what about|how about|how much is) (that|this|it) {op} {n}', '{op} {n} [please|what is it|now]', '(now|then|and|and then) {do}', '{do} [please|now]', 'that (result|number) {op} {n}', 'the result {op} {n}', '[and|ok|now] what (if|when) (i|you|we) {do}', '[and|ok|so] if (i|you|we) {do}', '(and|ok) (then|now) {op} {n}', '[and|now] {op} {n} (then|on top|more)', '(can|could|would) you {do} [now|too|please]', 'take (that|this|it) {op} {n}', '(after that|next|also|finally) {do}', '[and|now] (the|that) (sum|answer|total) {op} {n} [please]', '(and|now|then) {op} another {n}', 'please {do}', 'i want to {do}'],
    fill(chance) {
      const n = number(chance);
      const { before, result } = sumHeard(chance);
      const [spoken, operator, order] = chance.pick([['plus', '+', 'add {n}'], ['minus', '-', 'subtract {n}'], ['times', '*', 'multiply [that|it] by {n}'], ['divided by', '/', 'divide [that|it] by {n}'], ['minus', '-', 'take away {n}'], ['minus', '-', 'take {n} off'], ['minus', '-', 'take {n} away'], ['plus', '+', 'add another {n}'], ['plus', '+', 'add {n} to [that|it]'], ['divided by', '/', 'split [that|it] by {n}'], ['times', '*', 'times {n}'], ['minus', '-', 'subtract {n} from [that|it]'], ['minus', '-', 'remove {n}'], ['times', '*', 'multiply it with {n}']] as const);
      return {
        before,
        slots: { op: spoken, n, do: order.replace('{n}', n).replace('[that|it]', chance.pick(['that', 'it', 'the result'])) },
        answer: `<calc ${result} ${operator} ${n}>`,
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
        before: called(chance.pick([`how many ${to.plural} are ${a} ${from.plural}`, `convert ${a} ${from.plural} to ${to.plural}`, `${a} ${from.plural} in ${to.plural}`, `what is ${a} ${from.plural} in ${to.plural}`]), `<unit ${a} ${from.name} ${to.name}>`, chance),
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
    patterns: ['[and|ok|now|please|then] (turn|switch|put) (it|them|that) off [again|now|please]', '[and|now] off [again|please]', '(turn|switch) off [again]', '(it|they) should be off', 'no off', '[and|ok|now] (turn|switch|put) (it|them|that) back off', '(ok|okay|now|thanks) off (again|now|please)', 'i (do not|no longer) need (it|them) (on|) [any more|now]', '(undo|reverse) (that|it)', '(kill|shut|cut) (it|them|that) [off] [again|now]', 'too (bright|loud|hot|noisy) (turn|switch) (it|them) off', '(and|now) (shut|power) (it|them) (down|off)'],
    fill(chance) {
      const d = chance.pick(APPLIANCES);
      return { before: { question: chance.pick([`turn on the ${d}`, `switch the ${d} on`, `${d} on please`]), heard: `Turning the ${d} on.` }, slots: {}, answer: `Turning the ${d} off.` };
    },
  },
  {
    name: 'device-on',
    weight: 3,
    patterns: ['[and|ok|now|please|then] (turn|switch|put) (it|them|that) [back] on [again|now|please]', '[and|now] (on|back on) [again|please]', '(turn|switch) on [again]', '(it|they) should be on', 'no on', '(ok|okay|now|thanks) on (again|now|please)', 'i (do|still) need (it|them) (on|) [again|now]', '(undo|reverse) (that|it)', '(start|bring) (it|them|that) [back] [up] [on] again', 'too (dark|quiet|cold) (turn|switch) (it|them) on [again]', '(and|now) power (it|them) (up|on)', 'no (wait|sorry) (turn|switch|leave) (it|them) on'],
    fill(chance) {
      const d = chance.pick(APPLIANCES);
      return { before: { question: chance.pick([`turn off the ${d}`, `switch the ${d} off`, `${d} off please`]), heard: `Turning the ${d} off.` }, slots: {}, answer: `Turning the ${d} on.` };
    },
  },
  {
    name: 'device-too',
    weight: 2,
    patterns: ['[and|and also|also|now|then] the {e} [too|as well|please]', '[and] (what about|how about|do|do the same for|the same for|the same with) the {e}', '(same|the same) for the {e}', '[and|now] the {e} (likewise|next|after that|then)', '(do|make|have) the {e} (too|as well|next|also)', '[and] (do|can you do) (that|it|the same) (to|for|with) the {e} [please]', 'also the {e} [please]', 'and my {e} [too|as well]', '(plus|next) the {e}', 'the {e} (too|as well|also|next)'],
    fill(chance) {
      const [d, e, way] = [chance.pick(APPLIANCES), chance.pick(APPLIANCES), chance.pick(['on', 'off'])];
      return { before: { question: chance.pick([`turn ${way} the ${d}`, `switch the ${d} ${way}`]), heard: `Turning the ${d} ${way}.` }, slots: { e }, answer: `Turning the ${e} ${way}.` };
    },
  },
  {
    name: 'level',
    weight: 2,
    patterns: ['[no|and|now|ok] (make|set|put|turn) (it|that|them) (to|at|on|) {n} {u} [please|instead]', '[no|better|rather|and now] {n} {u} [please|instead|is better]', '(a bit more|a bit less|up|down|more|less) (make it|set it to|to) {n} {u}', '[and|now] (up|down|back) to {n} {u}', 'i (meant|mean|said|want) {n} {u}'],
    fill(chance) {
      const d = chance.pick(DIALS);
      const [m, n, u] = [smallNumber(chance), smallNumber(chance), chance.pick(['percent', 'degrees'])];
      return { before: { question: chance.pick([`set the ${d} to ${m} ${u}`, `${d} to ${m} ${u}`, `turn the ${d} to ${m} ${u}`]), heard: `Setting the ${d} to ${m} ${u}.` }, slots: { n, u }, answer: `Setting the ${d} to ${n} ${u}.` };
    },
  },
  {
    name: 'turn-other',
    weight: 1,
    patterns: ['[and|now|then|ok|and now] {w} [please|again|then]', '[and|now] (turn|go|a) {w} [please|too|again]', '(no|sorry|wait|i mean|i meant) [to the] {w}'],
    fill(chance) {
      const [v, w] = [chance.pick(['left', 'right']), chance.pick(['left', 'right'])];
      return { before: { question: chance.pick([`turn ${v}`, `turn to the ${v}`, `take a ${v}`]), heard: `Turning ${v}.` }, slots: { w }, answer: `Turning ${w}.` };
    },
  },
  still('coin-more', 1.5, (chance) => called(chance.pick(['flip a coin', 'toss a coin', 'heads or tails', 'throw a coin please', 'can you flip a coin']), '<coin>', chance), '<coin>', [...AGAIN, '[and|now] (flip|toss|throw|spin) (it|one|the coin|that) (again|once more|one more time|another time)', '(another|one more|a second|a new) (flip|toss|throw|coin) [please]', '[make it|let us do] best (of|out of) 3', '(flip|toss|throw) again', 'and now']),
  still('dice-more', 1.5, (chance) => called(chance.pick(['roll a dice', 'throw the dice', 'roll the dice', 'roll a die for me', 'dice please']), '<dice>', chance), '<dice>', [...AGAIN, '[and|now] (roll|throw|toss) (it|them|one|the dice|that) (again|once more|one more time|another time)', '(another|one more|a second|a new) (roll|throw|dice) [please]', '(roll|throw) again', 'and now', '(my|your) turn [again]']),
  still('repeat-after', 2, drawnCall, '<repeat>', ['(what|pardon|sorry|sorry what|excuse me|huh|come again|say again|say that again|repeat that|can you repeat that|what was that|please repeat|i missed that|i did not get that|once more slowly|what did you say)', 'i did not (hear|catch|get) (it|that|you)', '(say|repeat) (it|that) [again|please|slowly]']),
  still('thanks-after', 1.5, drawnCall, 'You are welcome.', ['(thanks|thank you|ok thanks|great thanks|thank you very much|perfect thank you|thanks a lot|cool thanks|nice thank you|good thank you)']),
  still('right-after', 1, drawnCall, 'Thank you, that is kind of you.', ['(very good|well done|good job|great|that is right|correct|nice|perfect|good answer|exactly|that is correct|not bad|excellent)']),
  still('wrong-after', 1, drawnCall, 'Sorry about that. I am a small model and still make mistakes.', ['(that is wrong|no that is wrong|that is not right|wrong|wrong answer|that is not what i asked|i did not ask that|that is incorrect|no that is not it|nonsense|you got that wrong)']),
  still('coin', 1, says(['flip a coin', 'toss a coin', 'heads or tails'], ['It is heads.', 'It is tails.', 'Heads.', 'Tails.']), '<coin>', AGAIN),
  still('dice', 1, says(['roll a dice', 'throw the dice', 'roll the dice'], ['You rolled a 4.', 'It is a 2.', 'You rolled a 6.']), '<dice>', AGAIN),
  still('joke-another', 1.5, says(['tell me a joke', 'do you know a joke', 'make me laugh', 'a joke please', 'say something funny'], [JOKES[0]]), JOKES[1], [...AGAIN, '(another|one more|a second|a different) joke [please]', '(tell|give) me (another|one more) [joke|one]', 'that was (good|funny|bad) (another|one more|again)', '(do you|you) (know|have) (another|more|others) [one|jokes]']),
  still('joke-third', 1.5, says(['another one', 'another joke', 'one more', 'tell me another joke'], [JOKES[1]]), JOKES[2], AGAIN),
];
