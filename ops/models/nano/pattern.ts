import type { Chance } from './random.ts';

/**
 * One wording out of a pattern: `(a|b)` chooses, `[a]` may be left out, `{name}` is a slot. Patterns nest.
 * Throws on an unknown slot or an unclosed bracket, naming the pattern.
 */
export function expand(pattern: string, slots: Readonly<Record<string, string>>, chance: Chance): string {
  const reader = { pattern, at: 0 };
  const text = readAlternatives(reader, slots, chance);
  if (reader.at !== pattern.length) throw new Error(`pattern "${pattern}": unexpected "${pattern[reader.at]}" at ${reader.at}`);
  return text.replace(/\s+/g, ' ').trim();
}

interface Reader {
  readonly pattern: string;
  at: number;
}

function readAlternatives(reader: Reader, slots: Readonly<Record<string, string>>, chance: Chance): string {
  const choices = [readSequence(reader, slots, chance)];
  while (reader.pattern[reader.at] === '|') {
    reader.at++;
    choices.push(readSequence(reader, slots, chance));
  }
  return chance.pick(choices);
}

function readSequence(reader: Reader, slots: Readonly<Record<string, string>>, chance: Chance): string {
  let text = '';
  while (reader.at < reader.pattern.length) {
    const char = reader.pattern[reader.at] ?? '';
    if (char === '|' || char === ')' || char === ']') break;
    reader.at++;
    if (char === '(') text += readBracket(reader, ')', slots, chance);
    else if (char === '[') text += optional(readBracket(reader, ']', slots, chance), chance);
    else if (char === '{') text += readSlot(reader, slots);
    else text += char;
  }
  return text;
}

function readBracket(reader: Reader, close: string, slots: Readonly<Record<string, string>>, chance: Chance): string {
  const text = readAlternatives(reader, slots, chance);
  if (reader.pattern[reader.at] !== close) throw new Error(`pattern "${reader.pattern}": missing "${close}"`);
  reader.at++;
  return text;
}

function optional(text: string, chance: Chance): string {
  return chance.happens(0.5) ? text : '';
}

function readSlot(reader: Reader, slots: Readonly<Record<string, string>>): string {
  const end = reader.pattern.indexOf('}', reader.at);
  const name = reader.pattern.slice(reader.at, end);
  const value = slots[name];
  if (end < 0 || value === undefined) throw new Error(`pattern "${reader.pattern}": no slot "${name}"`);
  reader.at = end + 1;
  return value;
}

/** The words that a pattern itself brings, without what fills its slots. */
export function patternWords(pattern: string): string[] {
  return pattern
    .replace(/\{[^}]*\}/g, ' ')
    .split(/[^a-z0-9'-]+/)
    .filter((word) => word !== '');
}
