// `npm test`: sets up what is missing, runs every check that guards a change, ends with one line `N passed, N failed`.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { runForeground } from './child.mjs';
import { ROOT } from './place.mjs';
import { mainOf } from './problem.mjs';
import { countResults, forgetResults } from './results.mjs';
import { setUp } from './setup.mjs';

const CHECKS = ['lockfile', 'format', 'types', 'lint', 'proto', 'breaking', 'generated', 'unused'].map((name) => `check:${name}`);

await mainOf(async () => {
  const env = ownEnvironment(await setUp({ forTests: true }));
  forgetResults();
  await turbo(env, [...CHECKS, 'test:tidy', 'test'], ['--output-logs=errors-only', `--concurrency=${availableParallelism()}`]);
  // Real processes: last, when nothing else runs on the machine.
  await turbo(env, ['test:e2e'], ['--output-logs=full', '--concurrency=1']);
  return conclude();
});

/** Tests run against servers and files of their own: settings for a mesh that runs on this machine are left out. */
function ownEnvironment(env) {
  const kept = ['SMARTLITE_MODELS_MIRROR', 'SMARTLITE_SEED'];
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('SMARTLITE_') || kept.includes(name)));
}

function turbo(env, tasks, options) {
  const program = join(ROOT, 'node_modules', '.bin', 'turbo');
  return runForeground(
    program,
    ['run', ...tasks, '--continue', '--summarize', '--log-order=grouped', '--no-update-notifier', ...options],
    { cwd: ROOT, env },
  );
}

function conclude() {
  const { passed, failed, tests, problems, remarks } = countResults();
  const { tests: floor } = JSON.parse(readFileSync(join(ROOT, 'ops', 'bootstrap', 'floor.json'), 'utf8'));
  if (tests < floor) problems.push(`${tests} tests ran; ops/bootstrap/floor.json asks for at least ${floor}`);
  for (const line of [...problems, ...remarks]) console.error(line);
  const missing = tests < floor ? 1 : 0;
  console.log(`\n${passed} passed, ${failed + missing} failed`);
  return failed + missing > 0 ? 1 : 0;
}
