/** A tool call as the model writes it, parsed and bounded. The list is closed: anything else is no call. */
export type ToolCall =
  | { readonly name: 'time' | 'status' | 'tier' | 'budget' | 'coin' | 'dice' | 'repeat' }
  | { readonly name: 'date'; readonly day: Day }
  | { readonly name: 'calc'; readonly left: number; readonly operator: Operator; readonly right: number }
  | { readonly name: 'unit'; readonly value: number; readonly from: string; readonly to: string }
  | { readonly name: 'timer'; readonly action: 'set'; readonly amount: number; readonly unit: TimerUnit }
  | { readonly name: 'timer'; readonly action: 'cancel' | 'left' }
  | { readonly name: 'spell'; readonly word: string }
  | { readonly name: 'count'; readonly from: number; readonly to: number }
  | { readonly name: 'choose'; readonly options: readonly string[] };

export type Day = 'yesterday' | 'today' | 'tomorrow';
export type Operator = '+' | '-' | '*' | '/' | '%';
export type TimerUnit = 'second' | 'minute' | 'hour';

/** Longest call worth parsing: the model's own answers are a few dozen characters. */
const CALL_CHARS_MAX = 200;
/** Beyond this a spoken number helps nobody, and sums stay exact well below 2^53. */
const NUMBER_MAX = 1e12;
const SPELL_LETTERS_MAX = 30;
/** As many numbers as one cares to hear. */
const COUNT_MAX = 30;
const OPTIONS_MAX = 10;

const PLAIN = new Set(['time', 'status', 'tier', 'budget', 'coin', 'dice', 'repeat'] as const);

/** The call in the model's answer; undefined when it is no call of the list or breaks a bound. Input is model output: not trusted. */
export function parseCall(answer: string): ToolCall | undefined {
  const match = /^<([a-z]+)((?: [^<>]*)?)>$/.exec(answer.trim());
  if (!match || answer.length > CALL_CHARS_MAX) return undefined;
  const name = match[1] ?? '';
  const words = (match[2] ?? '')
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '');
  return withoutArguments(name, words) ?? (Object.hasOwn(PARSERS, name) ? PARSERS[name]?.(words) : undefined);
}

/** True for text that sets out to be a call: nothing of it may be spoken. */
export function beginsCall(text: string): boolean {
  return text.trimStart().startsWith('<');
}

function withoutArguments(name: string, words: readonly string[]): ToolCall | undefined {
  const plain = [...PLAIN].find((each) => each === name);
  return plain && words.length === 0 ? { name: plain } : undefined;
}

const PARSERS: Readonly<Record<string, (words: readonly string[]) => ToolCall | undefined>> = {
  date: ([day = 'today', ...rest]) => (rest.length === 0 && isDay(day) ? { name: 'date', day } : undefined),
  calc: ([a, operator, b, ...rest]) => {
    const [left, right] = [numberOf(a), numberOf(b)];
    if (left === undefined || right === undefined || rest.length > 0 || !isOperator(operator)) return undefined;
    return { name: 'calc', left, operator, right };
  },
  unit: ([a, from, to, ...rest]) => {
    const value = numberOf(a);
    return value !== undefined && from && to && rest.length === 0 ? { name: 'unit', value, from, to } : undefined;
  },
  timer: ([action, a, unit, ...rest]) => {
    if ((action === 'cancel' || action === 'left') && a === undefined) return { name: 'timer', action };
    const amount = numberOf(a);
    if (action !== 'set' || amount === undefined || amount <= 0 || !isTimerUnit(unit) || rest.length > 0) return undefined;
    return { name: 'timer', action, amount, unit };
  },
  spell: ([word, ...rest]) =>
    word && rest.length === 0 && [...word].length <= SPELL_LETTERS_MAX ? { name: 'spell', word } : undefined,
  count: ([a, b, ...rest]) => {
    const [from, to] = [numberOf(a), numberOf(b)];
    const whole = Number.isInteger(from) && Number.isInteger(to);
    if (!whole || from === undefined || to === undefined || rest.length > 0 || Math.abs(to - from) >= COUNT_MAX) return undefined;
    return { name: 'count', from, to };
  },
  choose: (words) => {
    const options = words
      .join(' ')
      .split('|')
      .map((option) => option.trim())
      .filter((option) => option !== '');
    const distinct = new Set(options).size === options.length;
    return distinct && options.length >= 2 && options.length <= OPTIONS_MAX ? { name: 'choose', options } : undefined;
  },
};

function numberOf(word: string | undefined): number | undefined {
  if (word === undefined || !/^-?\d+(\.\d+)?$/.test(word)) return undefined;
  const value = Number(word);
  return Math.abs(value) <= NUMBER_MAX ? value : undefined;
}

function isDay(word: string): word is Day {
  return word === 'yesterday' || word === 'today' || word === 'tomorrow';
}

function isOperator(word: string | undefined): word is Operator {
  return word !== undefined && ['+', '-', '*', '/', '%'].includes(word);
}

function isTimerUnit(word: string | undefined): word is TimerUnit {
  return word === 'second' || word === 'minute' || word === 'hour';
}
