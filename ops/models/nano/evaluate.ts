import { readFileSync } from 'node:fs';
import type { DeclineThresholds } from '../../../services/llm/src/decline.ts';
import { isRight, type Outcome, outcome } from './evaluation/judge.ts';
import { Nano, type Said } from './evaluation/nano.ts';
import { type Question, readQuestions } from './evaluation/questions.ts';

const MARKS = { lite: { inside: 0.85, outside: 0.9, tokensPerSecond: 300 }, standard: { inside: 0.92, outside: 0.9, tokensPerSecond: 300 } } as const;

interface Row {
  readonly question: Question;
  readonly said: Said;
  readonly result: Outcome;
  readonly right: boolean;
}

/** The declining rule's settings for a size, as `calibrate.ts` wrote them. */
export function readThresholds(size: string): DeclineThresholds {
  const all = JSON.parse(readFileSync(new URL('thresholds.json', import.meta.url), 'utf8')) as Record<string, DeclineThresholds>;
  return all[size] ?? { unknownShareMax: 1.1, meanLogProbMin: -1 };
}

export function readVocabulary(): ReadonlySet<string> {
  return new Set(readFileSync(new URL('vocabulary.txt', import.meta.url), 'utf8').split('\n').filter((word) => word !== ''));
}

/** What a row is counted under: the call's name, or the kind. */
function group({ kind, expected, before }: Question): string {
  const name = kind === 'call' ? `call ${/^<(\w+)/.exec(expected)?.[1] ?? ''}` : kind;
  return before.length > 0 ? `follow-up ${name}` : name;
}

function printTable(rows: readonly Row[]): void {
  const groups = Map.groupBy(rows, (row) => group(row.question));
  console.log('| kind | right | of |\n|---|---|---|');
  for (const [name, members] of groups) console.log(`| ${name} | ${members.filter((row) => row.right).length} | ${members.length} |`);
}

function printMark(name: string, value: number, mark: number, digits: (value: number) => string): void {
  console.log(`${name}: ${digits(value)}, mark ${digits(mark)}: ${value >= mark ? 'met' : 'NOT met'}`);
}

/** `node evaluate.ts lite|standard [FILE.gguf] [--list calibration] [--failures]`: prints the table and the marks. */
async function main(): Promise<void> {
  const [size = 'lite', ...rest] = process.argv.slice(2);
  const path = rest.find((word) => word.endsWith('.gguf')) ?? new URL(`nano-${size}.gguf`, import.meta.url).pathname;
  const questions = readQuestions(rest.includes('--list') ? (rest[rest.indexOf('--list') + 1] ?? 'heldout') : 'heldout');
  const [known, thresholds] = [readVocabulary(), readThresholds(size)];
  await using nano = await Nano.load(path);
  const rows: Row[] = [];
  for (const question of questions) {
    const said = await nano.ask(question.question, question.before);
    const result = outcome(question, said, known, thresholds);
    rows.push({ question, said, result, right: isRight(question, result) });
  }
  report(rows, MARKS[size === 'standard' ? 'standard' : 'lite'], rest.includes('--failures'));
}

function report(rows: readonly Row[], marks: (typeof MARKS)['lite' | 'standard'], failures: boolean): void {
  printTable(rows);
  const share = (part: readonly Row[]): number => part.filter((row) => row.right).length / part.length;
  const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;
  printMark('right call or answer', share(rows.filter((row) => row.question.kind !== 'decline')), marks.inside, percent);
  printMark('declined outside', share(rows.filter((row) => row.question.kind === 'decline')), marks.outside, percent);
  const tokens = rows.reduce((sum, row) => sum + row.said.tokens, 0);
  const seconds = rows.reduce((sum, row) => sum + row.said.seconds, 0);
  printMark('tokens a second on one thread, prompts included', tokens / seconds, marks.tokensPerSecond, (value) => value.toFixed(0));
  if (!failures) return;
  for (const { question, said, result } of rows.filter((row) => !row.right)) {
    console.log(JSON.stringify([question.question, question.expected || question.kind, said.text, Number(said.meanLogProb.toFixed(3)), result.kind === 'declined' ? result.because : 'spoken']));
  }
}

if (import.meta.main) await main();
