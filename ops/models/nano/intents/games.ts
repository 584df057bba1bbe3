import type { Chance } from '../random.ts';
import { madeUpWord, NAMES, SPELLINGS, THINGS } from '../words.ts';
import { fixed, type Intent } from './intent.ts';

const word = (chance: Chance): string => {
  const kind = chance.real();
  if (kind < 0.33) return chance.pick(SPELLINGS);
  if (kind < 0.4) return chance.pick(NAMES);
  if (kind < 0.58) return chance.pick(THINGS).split(' ')[0] ?? 'word';
  return kind < 0.9 ? madeUpWord(chance) : madeUpWord(chance) + madeUpWord(chance);
};
const option = (chance: Chance): string => {
  if (chance.happens(0.6)) return chance.pick(THINGS);
  return chance.happens(0.5) ? madeUpWord(chance) : `${madeUpWord(chance)} ${madeUpWord(chance)}`;
};

/** Spelling, counting, choosing and chance. */
export const GAMES: readonly Intent[] = [
  {
    name: 'spell',
    weight: 9,
    patterns: [
      '!spell [me|out] [the word] {w} [for me|letter by letter|out loud|slowly|please|correctly]',
      '?how (do you|do i|is|do we|does one|can i|would i|should i|must i|to) (spell|spelled|write|spelt) [the word] {w} [correctly|right|properly]',
      '?how is [the word] {w} (spelled|spelt|written) [correctly]',
      '?what is the (spelling|correct spelling|right spelling) (of|for) [the word] {w}',
      '(the|a) spelling (of|for) {w} [please]',
      '{w} how (is that spelled|do you spell that|do i spell it|is it written|do you write that)',
      '!(give|tell|say) me the (letters|spelling) (of|in|for) [the word] {w}',
      '?(which|what) (letters|letter) (are in|make up|does it take to write|do i need for) [the word] {w}',
      'i (can not|do not know how to|need to|want to|forgot how to|never know how to) (spell|write) {w} [help me|correctly|right]',
      'the word {w} [please] (spell it|how is it spelled|letter by letter|spelled out|in letters)',
      '!spell {w}',
      'spell it {w}',
      '!(write|say) {w} letter by letter',
      '(can|could|do) you [know how to] spell {w}',
      '?{w} (is|gets) (spelled|written) how', 'i (always|often|) (forget|mix up|confuse) how [to spell|to write] {w} [is (spelled|written)]', '?(what|which) is the (right|correct) way to (write|spell) {w}', '!(dictate|break down) [the word] {w} [letter by letter|into letters]', 'the letters (of|in) [the word] {w} [please]', '!help me (spell|write|spelling) {w}', '{w} (spell that|spell it|letter by letter|in letters|spelled out|spelling|please spell it|what are the letters)', '?how (would|should|might|could) (one|you|i|we|somebody) (spell|write) [a word like|the word|the name] {w}', '!spell [out] the (name|word|term) {w}', '!(read|list|name|spell out) [me] (the|all the) letters (of|in) [the (word|name)] {w}', '?what letters (spell|make) {w}', '!(show|teach) me how to (spell|write) {w}', '(is|am i|are you) (it|) sure how [to spell] {w} is spelled', '?(with|in) which letters (is|do i write|do you write) {w} [written]', 'i am (writing|typing) [the word] {w} (spell it|how is it spelled|help me spell it)', 'my (kid|son|daughter|teacher|friend) (asks|wants to know) how (to spell|you spell|to write) {w}', '!take [the word] {w} and spell it', '(letters|spelling) {w} [please]', '!put {w} into letters',
    ],
    fill(chance) {
      const w = word(chance);
      return { slots: { w }, answer: `<spell ${w}>` };
    },
  },
  {
    name: 'count',
    weight: 4,
    patterns: [
      '!count (from|starting at|beginning with|beginning at) {a} (to|up to|until|till|through) {b} [out loud|slowly|for me|please]',
      '!count [up|down|backwards|back] [out loud] from {a} to {b}',
      '!(say|tell me|give me|list|name|read|recite) [all] the numbers (from|between) {a} (to|and|until|up to) {b}',
      '!(begin|start) (at|with|from) {a} and (count|go) [on] (to|until|up to|till) {b}', '!go from {a} to {b} [one by one|in numbers]', '!(start|begin) (counting|to count) (at|from|with) {a} (to|until|up to|and stop at|and go to|and end at) {b}',
      '!(let me|i want to) hear (you count|the numbers) from {a} to {b}',
      'counting from {a} to {b}',
      '(from|all numbers from) {a} to {b} (count|count please|counting|one by one)',
      'numbers from {a} to {b} [please]', '!(give|say|read|tell) [me] [all] [the] numbers {a} (to|through|until|up to|till) {b}', '[all] [the] numbers {a} (to|through|until) {b} [please]', '!(say|count|list) every number (from|between) {a} (to|and|up to) {b}', '!(run|go|step|work) through the numbers from {a} to {b}', '!count {a} (to|through|until) {b}', '!(walk|go|climb) [up|down] from {a} (to|until) {b} [one at a time|counting]', '{a} (through|up to|down to) {b} (count it|count them|one after the other|in order)', '!(start|begin) (at|from) {a} and (stop|end|finish) at {b} [counting]', '(how does|let me hear) counting [go] from {a} (to|up to|down to) {b} [sound|go]', '!(read|say) out the numbers [from] {a} (to|through|until) {b}',
    ],
    fill(chance) {
      const [a, b] = [chance.between(0, 30), chance.between(1, 60)].map(String);
      return { slots: { a: a ?? '1', b: b ?? '10' }, answer: `<count ${a} ${b}>` };
    },
  },
  {
    name: 'count-to',
    weight: 2.5,
    patterns: ['!count [up|out loud|slowly|for me] to {b} [for me|please|slowly|out loud]', '!count (till|until|up until|up to) {b}', '!count {b} numbers', '(can you|do you know how to) count to {b}', '!(start|begin) counting (to|up to|until) {b}', '!(say|list) the first {b} numbers', '!(say|give me|tell me|list|read) [all] the numbers (up to|until|till) {b}', 'counting to {b} [please]', '!(let me|i want to) hear you count to {b}', '?how high can you count [try|can you do] {b}', '!count with me to {b}', '(count|counting) up to {b} [slowly|for the kids|with me]', '(my|the) (kid|kids|child|children) (wants|want) to count to {b}', '!count [all the way] [up] to {b}'],
    fill(chance) {
      const b = String(chance.between(2, 50));
      return { slots: { b }, answer: `<count 1 ${b}>` };
    },
  },
  {
    name: 'count-down',
    weight: 1.8,
    patterns: ['!count (down|backwards|back|backward|down slowly) (from|starting at|starting from) {a} [to 1|to one|please]', '!(do|give me) a count down from {a}', '!count {a} down to 1', '!count from {a} (backwards|back|down) [to 1]', 'count down [from] {a} [seconds|please]', '(a|the) (countdown|count down) from {a} [please|like a rocket|for the rocket]', '!(start|begin) (counting down|a countdown|counting backwards) (at|from) {a}', '!(go|run) (down|backwards) from {a} [to 1]', 'backwards from {a} [please|count]', '!(say|give me) the numbers (down|backwards) from {a} [to 1]', '!count in reverse from {a}', '!(let me hear|do) {a} down to 1'],
    fill(chance) {
      const a = String(chance.between(3, 30));
      return { slots: { a }, answer: `<count ${a} 1>` };
    },
  },
  {
    name: 'choose',
    weight: 7,
    patterns: [
      '!(choose|pick|decide|select) [one|for me|either] [between|from|among|of|either|one of] {a} (or|and) {b} [for me|please]',
      '!(choose|pick|select|decide) between {a} and {b} [for me]',
      '?(should i|shall i|do i|would you|should we|shall we|must i|can i|let us|am i better with) (take|have|choose|pick|eat|drink|go for|get|buy|wear|do|use|want|try|order|visit|read|play|go with) [the|a|some] {a} or [the|a|some] {b} [today|tonight|now]',
      '?(which|what) (is better|do you prefer|would you choose|would you pick|one|should i take|should i choose|would you take|do you recommend|is nicer|do you like more) {a} or {b}',
      '{a} or {b} [what do you think|which one|you choose|you decide|please choose|choose for me|your choice|decide for me|please decide|make a choice]',
      'i (can not decide|am not sure|am undecided|can not choose|do not know|hesitate|am torn) [if i want|whether to take|between|choose between|what to take|which one] {a} (or|and) {b}',
      '!help me (choose|decide|pick) [between] {a} (or|and) {b}',
      '!(make|take) a (choice|decision) [for me] [between] {a} (or|and) {b}',
      '?(what|which) (do you want|do you like) {a} or {b}',
      '?(what about|how about) {a} or {b} [which one]',
      'either {a} or {b} [you choose|you decide|pick one]',
      '(the|a|my) {a} or (the|a|my) {b} [please choose|you choose|which one|what should i take]', '!choose [for me] (the|) {a} or (the|) {b}', '?(do i|should i|shall i|will i|would i) (take|get|have|go by|go with|wear|choose|see|eat|drink) (the|a|) {a} or (the|a|) {b} [tonight|today]', '{a} {b} (which|choose|pick one|you choose|you decide)', 'i (want|would like|like) (both|either) {a} (and|or) {b} (choose|decide|which one|pick)', '{a} and {b} (choose|pick|select) one [of them|for me]',
      '!(choose|pick) [a] (random|one) (of these|option|one) {a} or {b}',
    ],
    fill(chance) {
      const a = option(chance);
      let b = option(chance);
      while (b === a) b = option(chance);
      return { slots: { a, b }, answer: `<choose ${a} | ${b}>` };
    },
  },
  fixed('coin', '<coin>', [
    '!(flip|toss|throw|spin|cast) (a|the|me a|that|one) coin [for me|please|now]',
    '(coin|coin flip|coin toss|flip coin|a coin flip|a coin toss|coin please|toss coin)',
    'heads or tails [please|what is it|you choose|now]',
    '!(do|make|give me) a coin (flip|toss|throw)',
    '?(is it|will it be|what is it|what comes up) heads or tails',
    '!let us (flip|toss|throw|spin) a coin',
    '?(can|could|would) you (flip|toss|spin) a coin',
    '!decide (by|with) a coin [flip|toss]',
    '!use a coin',
    'i need a coin (flip|toss)',
    'tails or heads', '(heads|tails) [or not|i say|i win]', '!(flip|toss|throw) it', '(i|we) (want to|need to|have to) (flip|toss|throw) a coin', '!let (a|the) coin (decide|choose|fly)', '(call|take) (it|a) (heads or tails|coin)', '(how about|what about|time for) a coin (flip|toss)',
  ], 2),
  fixed('dice', '<dice>', [
    '!(roll|throw|toss|cast|shake|rattle) (a|the|one|some|me a|my) (dice|die) [for me|please|now]',
    '(dice|dice roll|dice please|roll dice|a dice roll|die roll)',
    '!(do|make|give me) a (dice roll|roll of the dice|dice throw|throw of the dice)',
    '!let us (roll|throw|play with) (the|a) (dice|die)',
    '!(roll|throw) [it|them] (for me|again|now)',
    '?what do the dice (say|show)',
    'i need (a dice roll|to roll a dice|a die roll|a number from 1 to 6)',
    '!(give me|pick|choose|say|tell me) a [random] number (from|between) 1 (to|and) 6',
    '!play (dice|a dice game)', '(i|we) (roll|throw|want to roll) (the|a) (dice|die)', '!(roll|throw) for me', 'let me (see|have) a (roll|throw)', '(what about|how about) a (roll|throw) of the dice', '(i|we) need a (random number|number) from a (dice|die)', '!(get|take|grab) (the|a) (dice|die) and (roll|throw) [it|them]',
    '?(can|could) you roll (a|the) (dice|die)',
  ], 2),
  fixed('repeat', '<repeat>', [
    '!(say|repeat|tell me) (that|it|this) (again|once more|one more time|another time|a second time|please) [please|slowly|louder]',
    '!repeat [that|it|please|what you said|yourself|the last answer|the answer|your answer|the last sentence|after me no]',
    '(again|once more|one more time|again please|come again|pardon|pardon me|excuse me what|sorry what|what|what was that|say what|i beg your pardon)',
    '?what did you [just] say [to me|just now|again|before]',
    'i (did not|could not|can not|do not) [really|quite] (hear|understand|get|catch) (you|that|it|what you said|the answer|this) [say it again|repeat|please repeat|again|can you repeat]',
    '(sorry|excuse me|wait) (what was that|i did not get that|say again|what did you say|can you say that again|come again)',
    '?(can|could|would|will) you (repeat|say that again|say it again|repeat it|repeat the answer|repeat yourself)',
    '?what was (your|the|that) [last] (answer|reply|sentence|thing you said)',
    '(speak|say it) again [please]',
    'you said what', 'i missed (that|it|what you said|the answer|your answer|the last part|the end) [again please|say it again|sorry|can you repeat it]', '!(run|go) (that|it) (by me|over) (again|once more|one more time)', '!(run|go) over (that|it) again', '!tell me (again|once more|one more time) [please]', '(huh|hm what|what now|how was that|how was that again|what did you say there|excuse me|sorry|come on say it again|please again)', 'i (was not listening|did not listen|was distracted|did not pay attention|did not quite catch that|lost you there) [say it again|again please|repeat it|what was it]', '(that|it) was too (fast|quick|quiet) [again please|say it again|repeat it|repeat that]', '!(say|read|give me|let me hear) (the|your) (answer|last answer|last sentence|result|last one) (again|once more|one more time|a second time)', '!let me hear (that|it) (again|once more|one more time)', '(can|could|may) i hear (that|it) (again|once more|one more time|another time)', '(once|one time) again [please]', '(again|repeat) (slowly|louder|for me|please|the last one|the answer)', '(what|which) was (it|the answer|the result|the number) again', '!(repeat|say) (your|the) (last|previous) (words|sentence|answer|message|reply)', 'repeat after yourself', 'would you mind (repeating|saying) that [again|once more]',
  ], 2.5),
];
