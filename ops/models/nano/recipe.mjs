// Trains a nano model end to end: `node ops/models/nano/recipe.mjs lite|standard [WORK_DIR]`, then writes nano-<size>.gguf, vocabulary.txt and
// thresholds.json beside this file and prints the evaluation. `standard` grows from step 9200 of `lite`; where WORK_DIR has none, `lite` is trained so far first, by the same schedule, and left there.
// Needs Debian's python3-torch, python3-sentencepiece and libopenblas0-pthread (without it matrix products are ten times slower).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const HERE = import.meta.dirname;
/** Seeds and sizes of the committed models; the model card names them too. */
const CORPUS = { examples: 400_000, seed: 20_263 };
const STEPS = { lite: 12_000, standard: 1_300 };
/** Debian's interpreter: another python3 on PATH may have no torch. */
const PYTHON = process.env['NANO_PYTHON'] ?? '/usr/bin/python3';

const [size = '', work = join(HERE, '.work')] = process.argv.slice(2);
if (!(size in STEPS)) {
  console.error('usage: node recipe.mjs lite|standard [WORK_DIR]');
  process.exit(2);
}
mkdirSync(work, { recursive: true });
const corpus = join(work, 'corpus.jsonl');

run(process.execPath, ['corpus.ts', corpus, String(CORPUS.examples), String(CORPUS.seed)]);
if (size === 'standard' && !existsSync(join(work, 'lite', 'grow.pt'))) train('lite', ['--until-grow']);
train(size, size === 'standard' ? ['--grow-from', join(work, 'lite')] : []);
// The pack and the model card are edited afterwards, by bind.ts and by hand.
run(process.execPath, ['export.ts', join(work, size), join(HERE, `nano-${size}.gguf`)]);
run(process.execPath, ['calibrate.ts', size]);
run(process.execPath, ['evaluate.ts', size]);

function train(which, more) {
  run(PYTHON, ['train.py', '--size', which, '--corpus', corpus, '--out', join(work, which), '--steps', String(STEPS[which]), ...more]);
}

function run(command, args) {
  console.log(`> ${[command, ...args].join(' ')}`);
  const { status, error } = spawnSync(command, args, { cwd: HERE, stdio: 'inherit', env: { ...process.env, OMP_NUM_THREADS: '1' } });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
