import { readFileSync, writeFileSync } from 'node:fs';
import { readVocabulary } from './evaluate.ts';
import { isRight, outcome } from './evaluation/judge.ts';
import { Nano } from './evaluation/nano.ts';
import { readQuestions } from './evaluation/questions.ts';

const SHARES = Array.from({ length: 17 }, (_, index) => 0.3 + index * 0.05);
const LOG_PROBS = [0.02, 0.03, 0.05, 0.07, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1, 1.5].map((value) => -value);
/** Declining outside matters as much as answering inside. */
const TARGETS = new URL('thresholds.json', import.meta.url);

/** `node calibrate.ts lite|standard [FILE.gguf]`: chooses the thresholds on calibration.tsv (never on the held-out list). */
async function main(): Promise<void> {
  const [size = 'lite', path = new URL(`nano-${size}.gguf`, import.meta.url).pathname] = process.argv.slice(2);
  const questions = readQuestions('calibration');
  const known = readVocabulary();
  await using nano = await Nano.load(path);
  const said = [];
  for (const question of questions) said.push({ question, said: await nano.ask(question.question, question.before) });
  let best = { balance: -1, inside: 0, outside: 0, unknownShareMax: 1, meanLogProbMin: -1 };
  for (const unknownShareMax of SHARES) {
    for (const meanLogProbMin of LOG_PROBS) {
      const right = said.map((row) => ({ ...row, right: isRight(row.question, outcome(row.question, row.said, known, { unknownShareMax, meanLogProbMin })) }));
      const share = (outside: boolean): number => {
        const part = right.filter((row) => (row.question.kind === 'decline') === outside);
        return part.filter((row) => row.right).length / part.length;
      };
      const [inside, outside] = [share(false), share(true)];
      const balance = inside + outside;
      if (balance > best.balance) best = { balance, inside, outside, unknownShareMax: Number(unknownShareMax.toFixed(2)), meanLogProbMin };
    }
  }
  console.log(best);
  const all = readThresholdFile();
  all[size] = { unknownShareMax: best.unknownShareMax, meanLogProbMin: best.meanLogProbMin };
  writeFileSync(TARGETS, `${JSON.stringify(all, null, 2)}\n`);
}

function readThresholdFile(): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(TARGETS, 'utf8')) as Record<string, unknown>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

await main();
