// `npm run mutants [word]`: makes each change in a copy of the tree and expects the named test to turn red.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { auditMutants } from './audit.ts';
import { budgetMutants } from './budget.ts';
import { servingMutants } from './serving.ts';
import type { Mutant } from './mutant.ts';
import { statusMutants } from './status.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** What tests read: the code, and of `ops` the pack and the questions that a lexicon must leave alone. */
const COPIED = /^(libs|services|test)\/|^[^/]+$|^ops\/(MODEL_PACK\.json$|models\/nano\/evaluation\/)/;
/** The scope of the project's own packages. */
const OURS = '@smartlite';
/** Simulations run the same histories each time: enough that each mutant meets its trouble. */
const SAME_HISTORIES = { SMARTLITE_SEED: '1', SMARTLITE_HISTORIES: '150' };
/** A test that a mutant hangs has noticed it, too, but not by name: it counts as not noticed. */
const TEST_MS_MAX = 180_000;

const [word = ''] = process.argv.slice(2);
const mutants = [...servingMutants, ...statusMutants, ...budgetMutants, ...auditMutants].filter(({ name, file }) =>
  `${name} ${file}`.includes(word),
);
if (mutants.length === 0) {
  console.error(`npm run mutants ${word}: no mutant has this in its name or file.`);
  process.exit(2);
}
const copy = copyTree();
process.once('exit', () => rmSync(copy, { recursive: true, force: true }));

const tests = [...new Set(mutants.map(({ test }) => test))];
const sick = tests.filter((test) => run(test).red);
if (sick.length > 0) {
  console.error(`Red without any change: ${sick.join(', ')}`);
  process.exit(1);
}
const survivors = mutants.filter((mutant) => !isCaught(mutant));
console.log(`${mutants.length - survivors.length} of ${mutants.length} mutants are caught.`);
process.exit(survivors.length > 0 ? 1 : 0);

/** What git knows and what is new, without what it ignores; the packages are the same. */
function copyTree(): string {
  const folder = mkdtempSync(join(tmpdir(), 'smartlite-mutants-'));
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' });
  for (const file of listed.split('\n').filter((path) => COPIED.test(path))) {
    // A file that is deleted and not yet committed is still listed.
    if (!existsSync(join(ROOT, file))) continue;
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    cpSync(join(ROOT, file), join(folder, file));
  }
  linkPackages(folder);
  return folder;
}

/** Everybody else's packages are the same; ours are those of the copy, or a change in them would not be seen. */
function linkPackages(folder: string): void {
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, OURS), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (name !== OURS) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  for (const name of readdirSync(join(ROOT, 'node_modules', OURS))) {
    const place = relative(ROOT, realpathSync(join(ROOT, 'node_modules', OURS, name)));
    symlinkSync(join(folder, place), join(modules, OURS, name));
  }
}

function isCaught({ name, file, find, put, test, red, alone }: Mutant): boolean {
  const path = join(copy, file);
  const text = readFileSync(path, 'utf8');
  const places = text.split(find).length - 1;
  if (places !== 1) {
    console.error(`?    ${name}: its place stands ${places} times in ${file}, not once; mend the list`);
    return false;
  }
  writeFileSync(
    path,
    text.replace(find, () => put),
  );
  const outcome = run(test, alone ? red : undefined);
  writeFileSync(path, text);
  const caught = outcome.red && outcome.output.includes(red);
  console.log(`${caught ? 'red ' : 'MISS'} ${name}${outcome.red && !caught ? ` (red, but not by "${red}")` : ''}`);
  return caught;
}

function run(test: string, only?: string): { readonly red: boolean; readonly output: string } {
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [vitest, 'run', '--config', 'vitest.config.ts', test, ...(only === undefined ? [] : ['-t', only])],
    {
      cwd: copy,
      encoding: 'utf8',
      timeout: TEST_MS_MAX,
      env: { ...process.env, NO_COLOR: '1', ...SAME_HISTORIES },
    },
  );
  return { red: status !== 0 && status !== null, output: stdout + stderr };
}
