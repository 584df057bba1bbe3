import { readSaid, type Said, saidBoth, saidTogether, unsigned } from './said.ts';

/** Above this a question is declined anyway, and its grammar would be long. */
const WORDS_MAX = 120;
const NUMBERS_MAX = 12;
/** Words of an option between which one chooses. */
const OPTION_WORDS_MAX = 4;
const ARTICLES: ReadonlySet<string> = new Set(['the', 'a', 'an', 'some', 'my']);
const PLAIN = ['time', 'date', 'status', 'tier', 'budget', 'coin', 'dice', 'repeat'];
const TIMER_UNITS: ReadonlySet<string> = new Set(['second', 'minute', 'hour']);

/**
 * A grammar (GBNF) of what a model may write after these words: plain text, or a call of the closed list whose arguments were said.
 * It is a help, not a guard: which call, and which of the arguments, stays the model's choice, and `argumentsInQuestion` checks them
 * again. A call that has nothing to take its arguments from is left free, so that the check declines it instead of another call
 * being forced. `question` and `conversation` are normalised; undefined where they are too long to bother.
 */
export function callGrammar(question: string, conversation: string): string | undefined {
  const [asked, said] = [readSaid(question), readSaid(conversation)];
  if (said.words.length > WORDS_MAX || said.numbers.length > NUMBERS_MAX) return undefined;
  const rules: Readonly<Record<string, readonly string[]>> = {
    date: ['tomorrow', 'yesterday'].filter((day) => said.words.includes(day)).map((day) => literal(day)),
    calc: sums(said),
    unit: conversions(said),
    timer: [literal('cancel'), literal('left'), ...timers(said)],
    spell: asked.words.map(literal),
    count: [`number " " number`],
    choose: choices(asked.words),
  };
  const numbers = unique([...said.numbers.flatMap(bothSigns), '1']).map(literal);
  const calls = Object.entries(rules).map(([name, bodies]) => `"${name} " ${alternatives(bodies)}`);
  return [
    `root ::= text | " "? "<" (${[...PLAIN.map(literal), ...calls].join(' | ')}) ">"`,
    'text ::= [^<] [^<]*',
    'free ::= [^<>]*',
    `number ::= ${numbers.join(' | ')}`,
  ].join('\n');
}

/** Both numbers, and never the one where the other was said. */
function sums(said: Said): string[] {
  const numbers = unique(said.numbers.flatMap(bothSigns));
  return numbers.flatMap((left) => {
    const rights = numbers.filter((right) => saidBoth(said, left, right));
    return rights.length === 0 ? [] : [`${literal(`${left} `)} [-+*/%] " " ${alternatives(rights.map(literal))}`];
  });
}

function conversions(said: Said): string[] {
  const values = unique(said.numbers.flatMap(bothSigns));
  return values.flatMap((value) =>
    said.units
      .filter((from) => saidTogether(said, value, from))
      .flatMap((from) => {
        const others = said.units.filter((to) => to !== from).map(literal);
        return others.length === 0 ? [] : [`${literal(`${value} ${from} `)} ${alternatives(others)}`];
      }),
  );
}

function timers(said: Said): string[] {
  const lengths = said.amounts.filter(({ unit }) => TIMER_UNITS.has(unit));
  return unique(lengths.map(({ value, unit }) => `set ${unsigned(value)} ${unit}`)).map(literal);
}

/** What stands on either side of an "or" or "and". */
function choices(words: readonly string[]): string[] {
  return words.flatMap((word, at) => {
    if (word !== 'or' && word !== 'and' && word !== 'versus') return [];
    const left = spans(words.slice(Math.max(0, at - OPTION_WORDS_MAX), at).toReversed()).map((span) => span.toReversed());
    const behind = words.slice(at + 1);
    const right = spans(ARTICLES.has(behind[0] ?? '') ? behind.slice(1) : behind);
    if (left.length === 0 || right.length === 0) return [];
    const [one, other] = [left, right].map((options) => alternatives(options.map((span) => literal(span.join(' ')))));
    return [`${one} " | " ${other}`];
  });
}

/** The first word, the first two, and so on. */
function spans(words: readonly string[]): string[][] {
  return words.slice(0, OPTION_WORDS_MAX).map((_, last) => words.slice(0, last + 1));
}

function bothSigns(number: string): string[] {
  return unique([number, unsigned(number)]);
}

function alternatives(bodies: readonly string[]): string {
  return bodies.length === 0 ? 'free' : `(${bodies.join(' | ')})`;
}

/** GBNF writes literals as JSON does. */
function literal(text: string): string {
  return JSON.stringify(text);
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)];
}
