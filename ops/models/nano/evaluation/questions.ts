import { readFileSync } from 'node:fs';

/** One line of an evaluation list. */
export interface Question {
  readonly before: readonly { readonly question: string; readonly heard: string }[];
  readonly question: string;
  readonly kind: 'call' | 'answer' | 'decline';
  /** The call, or a pattern that the answer must match; empty for `decline`. */
  readonly expected: string;
}

/** Reads `<name>.tsv` beside this file. Throws on a line that is not three columns with a known kind, naming it. */
export function readQuestions(name: string): Question[] {
  const text = readFileSync(new URL(`${name}.tsv`, import.meta.url), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => readLine(line, name));
}

function readLine(line: string, name: string): Question {
  const [said = '', kind, expected = ''] = line.split('\t');
  if (kind !== 'call' && kind !== 'answer' && kind !== 'decline') throw new Error(`${name}.tsv: unknown kind "${kind}" in "${line}"`);
  const turns = said.split(' >> ');
  const question = turns.pop() ?? '';
  const before = [];
  for (let at = 0; at + 1 < turns.length; at += 2) before.push({ question: turns[at] ?? '', heard: turns[at + 1] ?? '' });
  return { before, question, kind, expected };
}
