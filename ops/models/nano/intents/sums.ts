import type { Chance } from '../random.ts';
import { number, smallNumber } from '../words.ts';
import type { Intent } from './intent.ts';

const AGAIN = '[makes|equals|is|gives|is what|is how much|equals what|makes what|is equal to what|makes how much]';
const ASK = '?(what is|how much is|what does|what do|what are|how much does|how much do|what would|how much would|what will)';
const WORK = '!(calculate|compute|work out|figure out|solve|do|find|tell me|give me|determine|evaluate)';
const STORY = '(i have|i had|there are|we have|she has|he has|you have|we had|take|i start with|say i have|if i have)';
const BE = '[make|be|makes|give|equal|come to|be together|get me]';

/** A sum of two numbers from the question, `a` first in the call. */
function sum(name: string, operator: string, weight: number, numbers: (chance: Chance) => [string, string], patterns: readonly string[]): Intent {
  return {
    name,
    weight,
    patterns,
    fill(chance) {
      const [a, b] = numbers(chance);
      return { slots: { a, b }, answer: `<calc ${a} ${operator} ${b}>` };
    },
  };
}

const pair = (chance: Chance): [string, string] => [maybeNegative(chance), number(chance)];
const percentPair = (chance: Chance): [string, string] => [smallNumber(chance), number(chance)];

function maybeNegative(chance: Chance): string {
  const value = number(chance);
  return chance.happens(0.02) ? `-${value}` : value;
}

/** Sums in words; the model copies the numbers and names the operation. */
export const SUMS: readonly Intent[] = [
  sum('add', '+', 8, pair, [
    `${ASK} {a} (plus|and|added to) {b} ${BE}`,
    `{a} plus {b} ${AGAIN}`,
    `${WORK} {a} (plus|and|added to) {b}`,
    '!(add|sum|total) [up] {a} (and|to|with|plus) {b} [together|up]',
    '!(add|put|sum) {a} and {b} (together|up)',
    '?what is the (sum|total) of {a} and {b}',
    'the (sum|total) of {a} and {b}',
    '?what (do i|do you|would i|will i) (get|have) (if|when) (i|you|we) (add|put together|sum up) {a} (and|plus|to|with) {b}',
    `${STORY} {a} [apples|coins|dollars|books|of them] and (get|find|buy|receive|someone gives me|i get|you get|got|add|then) {b} more [how many (do i have|is that|are there|in all)|what is the total|how much is that|what do i have]`,
    '?how (much|many) (are|is|do) {a} and {b} [together|make|in total|in all|altogether]',
    '{a} and {b} (together|in total|altogether|added|combined|is how much|makes what)',
    '{a} and {b} more (is|makes|are) (how many|what|how much)',
    '!increase {a} by {b}',
    '?how much (is|do i get for|does it make) {a} (plus|and) {b}',
    '?what (comes out|results|is the result|is the answer) (of|if i add|for|when you add) {a} (plus|and) {b}', '{a} plus {b}', '{a} plus {b}', '{a} plus {b} (quick|quickly|now|what is it|tell me|how much)', '(quick|fast|now|so) {a} plus {b}', 'i (got|have|own) {a} and (they|he|she|you|my friend|my mother|the boss) (gives|give|gave|brings|pays|sends|adds) [me] {b} [more] [how much is that|what is the sum|how many now|total]', '(can you|do you) (add|know) {a} (and|plus) {b}', '{b} (more than|on top of|added to|and also) {a} [is what|is how much|what is it]', '{a} (and|plus) {b} what (is|does) (that|it) (make|come to|together|in all|total)', '?what (do|does) {a} and {b} (make|give|come to|add up to|amount to|equal) [together|in total]', '?what is {b} (more than|on top of|higher than) {a}', 'if (i|you|we) add {b} to {a} what (is it|do i get|comes out|is the result)', '(the|my) (price|bill|ticket) is {a} (and|plus) {b} (for the tip|for delivery|extra|tax) [how much is that|what is the total]', '(quick|short|little|simple) (math|maths|sum|question) {a} plus {b}', '(he|she|tom|anna|my friend|grandma) (had|has|owns) {a} [apples|books|coins|sheep] and (buys|gets|finds|wins) {b} [more] [how many is that|how many now|what is the total|how many in all]', '(math|maths|sum) {a} (plus|and) {b}', '!(sum|add) {a} {b}', 'the answer (to|of) {a} plus {b} [please]', '!(go|try|check) {a} plus {b}', '{a} with {b} (more|on top|added) [is what|makes how many]',
  ]),
  sum('subtract', '-', 8, pair, [
    `${ASK} {a} (minus|less|take away) {b} ${BE}`,
    `{a} (minus|less|take away) {b} ${AGAIN}`,
    `${WORK} {a} (minus|less|take away) {b}`,
    '?what is the difference (between|of) {a} and {b}',
    '?(what is|how much is|how many are|what remains|what is left|how much is left|what do i have left) (if|when|after) (i|you|we) (take|remove|subtract) {b} (from|off|out of) {a}',
    '!(subtract|take|take away|deduct|remove) {b} (from|off) {a}',
    '?(what|how much) is {b} (less than|off|below|subtracted from|taken from|taken off) {a}',
    '?(what|how much|how many) (is left|remains|are left|remain|do i have left|stays) (of|from) {a} (if|when|after) (i|we|you) (lose|remove|spend|give away|eat|pay|use|take off|take away|take) {b}',
    '?if (i|you|we) (take|subtract|remove) {b} from {a} (what|how much|how many) (is left|remains|do i get|do i have|are left)',
    `${STORY} {a} [apples|coins|dollars|books] and (lose|spend|give away|eat|sell|pay|i lose|remove|give you) {b} [of them] [how many (are left|remain|do i have|do i have left)|what is left|how much is left|what remains]`,
    '!(decrease|reduce|lower) {a} by {b}',
    '?how much (more|bigger|larger|greater) is {a} than {b}',
    '{b} from {a} (is|leaves) what', '{a} minus {b}', '{a} minus {b}', '{a} less {b}', '(quick|so|now) {a} (minus|less) {b}', '?what (comes out|results|is the result|is the answer) (of|for) {a} (minus|less) {b}', '?if (i|we|you) (take|remove|cut|get) {b} (off|from|out of) {a} (what|how much|how many) (is|are) (over|left over|left|remaining|the rest)', '(of|from) {a} i (spend|use|lose|gave|pay|eat) {b} (what is left|how much is left|how many remain|what remains)', '?how (much|many) (is|are|stays|do i have) (left|over|left over|remaining) (of|from) {a} (after|when|if) (i|we) (spent|used|lost|took|paid|sold|ate|gave away|spend|lose) {b}',
    '{b} (off|taken from|subtracted from|less than) {a}', '{a} (without|minus|except) {b} [is what|leaves what|how much is that]', '!(take|knock|cut|strip) {b} (off|from|away from|out of) {a}', '?what is {a} (without|with {b} taken off|reduced by) {b}', '(he|she|tom|anna|my friend|grandma) (had|has) {a} [apples|books|coins|sheep] and (loses|sells|eats|gives away|spends) {b} [how many are left|what is left|how many now]', '?how (far|much) (is it|do i need|is missing) from {b} to {a}', '?(how much|how many|what) (do i|) (need|is missing) to get from {b} to {a}', 'the (difference|gap) between {a} and {b}', '(math|maths|quick math|quick question) {a} minus {b}', 'the answer (to|of) {a} minus {b} [please]', '?what (do|does) {a} (minus|less|take away) {b} (leave|make|give|come to|equal)', '(of|from) my {a} [dollars|coins|euros] {b} are (gone|spent|used) [how many are left|what is left]', '!(go|try|check) {a} minus {b}', '{a} take {b} away [is what|what is left]', '{a} take away {b}',
  ]),
  sum('multiply', '*', 7, pair, [
    `${ASK} {a} (times|multiplied by|by|multiplied with) {b} ${BE}`,
    `{a} (times|multiplied by) {b} ${AGAIN}`,
    `${WORK} {a} (times|multiplied by|multiplied with) {b}`,
    '!(multiply|times) {a} (by|with|and|times) {b}',
    '?what is the product of {a} (and|times) {b}',
    'the product of {a} and {b}',
    '?(what|how much) (do i|do you|would i) get (if|when) (i|you|we) multiply {a} (by|with|and) {b}',
    '{a} (boxes|bags|rows|packs|groups|tables|packets) (with|of) {b} (eggs|apples|seats|chairs|pieces|each|things) [each] [how many (is that|are there|in all|altogether|do i have)]',
    '?how (much|many) (is|are|do i have in) {a} (times|groups of|sets of|lots of|rows of|boxes of) {b}',
    '{a} times as (much|many) as {b}',
    '?how much (are|do|is|cost) {a} (tickets|items|apples|of them|things) (at|for) {b} [dollars|each|a piece|dollars each]',
    '?(can you|do you know how to) multiply {a} (by|and|with) {b}',
    '{a} times {b}', '{a} times {b}', '(quick|so|now|and) {a} times {b}', '{a} multiplied (by|with) {b}', '?what (comes out|results|is the result|is the answer) (of|for) {a} times {b}', '?what (does|do) {a} times {b} (give|make|come to|equal|amount to)',
    '?what (is|are|makes) {a} (times|by) {b}', '(math|maths|quick math|quick question) {a} times {b}', 'the answer (to|of) {a} times {b} [please]', '(i|we) (have|bought|need|get) {a} (boxes|bags|packs|rows|bottles) (with|of) {b} [each|pieces|eggs|in each] [how many is that|how many in all|what is the total]', '{a} people (pay|bring|get|eat|have) {b} [each|dollars each] [how much is that|what is the total|how many in all]', '(one|a|each) (ticket|book|box|ride) (is|costs) {b} [dollars] what (do|would) {a} (cost|make|be)', '!(go|try|check) {a} times {b}', '{a} (lots|groups|sets|rounds) of {b} [is what|makes what]', '?what (does|do) {a} multiplied (by|with) {b} (make|give|equal|come to)', '{a} by {b} (multiplied|times each other|is what)', '{a} hours a day for {b} days [how many hours is that|how many is that]',
  ]),
  {
    name: 'square',
    weight: 0.7,
    patterns: ['?(what is|how much is) {a} times {a}', '{a} times itself', '?what is {a} (squared|times itself|multiplied by itself)', '!(multiply {a} by itself|square {a})', '{a} squared'],
    fill(chance) {
      const a = smallNumber(chance);
      return { slots: { a }, answer: `<calc ${a} * ${a}>` };
    },
  },
  sum('divide', '/', 8, pair, [
    `${ASK} {a} (divided by|over|split by|by|shared by|split into|divided into|divided among|divided between) {b} ${BE}`,
    `{a} (divided by|over) {b} ${AGAIN}`,
    `${WORK} {a} (divided by|over) {b}`,
    '!(divide|split|share) {a} (by|into|in|among|between|through|with|over) {b} [people|parts|pieces|ways|friends|equal parts]',
    '?how (many times|often) does {b} (go into|fit into|fit in|go in) {a}',
    '?(what|how much) (do i|do you|would i) get (if|when) (i|you|we) (divide|split|share) {a} (by|into|among|between) {b}',
    '?(what|how much) (does|would) (each|everyone|everybody|each person|each one) (get|have|pay) (if|when) {b} (people|friends|of us|kids|children) (share|split|divide) {a}',
    '?(what|how much|how many) is (each part|each share|one part|each piece) (if|when) (i|you|we) (divide|split|share) {a} (into|by|in|among) {b} [parts|pieces|people]',
    '{a} (shared|split|divided) (between|among|by|into) {b} [people|friends|parts|ways]',
    '?how many {b}s (are|are there) in {a}',
    '{a} divided by {b}', '{a} divided by {b}', '{a} over {b}', '(quick|so|now) {a} divided by {b}', '?what (comes out|results|is the result|is the answer) (of|for) {a} (divided by|over) {b}', '{a} (cut|shared|split|divided) (into|in|among|between|by) {b} [equal] [parts|pieces|people|groups]', '?how (much|many) (is|are|does|has) (each|every) (part|one|piece|person|child|share|group) (get|have|) (if|when) (i|we|you) (split|share|divide) {a} (into|among|between|by|in) {b}', '!(share|split|divide) {a} (between|among|by|into) {b}', '?what is the quotient of {a} and {b}',
    '?what is {a} (divided by|over) {b}', '(math|maths|quick math|quick question) {a} divided by {b}', 'the answer (to|of) {a} divided by {b} [please]', '(a|the) (bill|check|sum|price) of {a} [dollars|euros] (split|shared|divided) (by|between|among) {b} [people|of us|friends|ways] [please|how much each|what does each pay]', '(we|they) are {b} [people] and (have|share|pay|owe) {a} [dollars|apples|pieces] [how much each|how many each|what does each get|how much does each pay]', '!(go|try|check) {a} divided by {b}', '{a} split {b} ways', '{b} (into|goes into) {a} [how often|how many times|goes how often]', '?how often (is|can|does) {b} (in|go in|go into|fit into) {a}', '?what (does|do) {a} divided by {b} (make|give|equal|come to)', '!(cut|break|slice) {a} into {b} [equal] [parts|pieces|shares]', '{a} (candies|apples|cookies|dollars|coins) for {b} (kids|children|people|friends) [how many each|how much for each|what does each get]', 'if {b} (people|friends|of us|kids) share {a} [dollars|apples|coins] [how much does each get|what does each get|how many each]',
  ]),
  sum('percent', '%', 6, percentPair, [
    '?(what is|how much is|what are|how much are|what would be|how much would be|what makes) {a} percent (of|from|on|off) {b} [dollars|euros|people|in all|be]',
    '{a} percent (of|from|on) {b} [dollars|euros|people|is what|is how much|equals what|please]',
    `${WORK} {a} percent (of|on|from) {b}`,
    '?what (would|will|does|do) {a} percent (of|on) {b} (be|make|come to|give)',
    '?how (much|many) (would|will|does|do) {a} percent (of|on) {b} (be|make|come to|give)',
    '!(take|get|find|give me|show me|tell me) {a} percent (of|from|on) {b}',
    '(a|the|add a|leave a|give a) [tip of] {a} percent (tip|tip on|on|of|tip for) {b} [dollars] [please]',
    '(a|the) (tip|tax|discount|fee|share) of {a} percent (on|for|of|from) {b} [dollars] [what is that|how much is that|please]', '{a} percent of {b}', '{a} percent of {b}', '?how much (makes|gives|is|are|would be) {a} percent (of|on|from) {b}', 'i want to (tip|save|pay|take|give) {a} percent (of|on|from) {b} [how much is that]',
    '?how much (is|do i tip|should i tip|do i leave|tip do i leave) (at|with|for) {a} percent (on|of|for) {b} [dollars]',
    '?(what|how much) is a {a} percent (tip|share|discount|tax|cut|part) (on|of|for) {b} [dollars|euros]',
    '(tax|discount|interest|tip) of {a} percent on {b} [dollars]',
    'i (need|want|would like) (to know|to have|) {a} percent of {b}', '(the|my) (bill|check|dinner|price) (is|was) {b} [dollars|euros] (what is|how much is|i want to tip|give me|add) {a} percent [tip]', '(math|maths|quick math|quick question) {a} percent of {b}', 'the answer (to|of) {a} percent of {b} [please]', '?how many [people|things|of them] (is|are) {a} percent of {b}', '(of|from|out of) {b} (what is|how much is|take|i want) {a} percent', '{a} percent (off|discount on) {b} [dollars] (is how much|what is that)', '?if i (take|get|pay|save) {a} percent (of|on) {b} how much is (it|that)',
  ]),
];
