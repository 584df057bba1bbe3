import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './place.mjs';

const RUNS = join(ROOT, '.turbo', 'runs');
/** Where a task that runs vitest leaves its report; every other task is one check that passes or fails. */
const REPORTS = { test: 'vitest.json', 'test:tidy': 'tidy.json', 'test:e2e': 'e2e.json' };

/** Removes what earlier runs left, so that nothing old is counted. */
export function forgetResults() {
  rmSync(RUNS, { recursive: true, force: true });
  for (const folder of workspaces())
    for (const report of Object.values(REPORTS)) rmSync(join(folder, '.turbo', report), { force: true });
}

/** Adds up every task of every turbo run since `forgetResults`. */
export function countResults() {
  const total = { passed: 0, failed: 0, tests: 0, problems: [], remarks: [] };
  for (const task of runs().flatMap((run) => run.tasks)) count(task, total);
  return total;
}

function runs() {
  if (!existsSync(RUNS)) return [];
  return readdirSync(RUNS).map((name) => JSON.parse(readFileSync(join(RUNS, name), 'utf8')));
}

function count(task, total) {
  if (task.command === '<NONEXISTENT>') return;
  const report = REPORTS[task.task];
  const ok = task.execution?.exitCode === 0;
  if (!report) return ok ? void total.passed++ : fail(total, `${task.taskId} failed`);
  const path = join(ROOT, task.directory, '.turbo', report);
  if (!existsSync(path)) return fail(total, `${task.taskId} ended without a result`);
  countTests(JSON.parse(readFileSync(path, 'utf8')), { task, ok, total });
}

function countTests(tests, { task, ok, total }) {
  const silent = tests.numPendingTests + tests.numTodoTests;
  total.passed += tests.numPassedTests;
  total.failed += tests.numFailedTests;
  total.tests += tests.numTotalTests;
  total.remarks.push(...testsTriedAgain(tests));
  if (silent > 0) fail(total, `${task.taskId}: ${silent} skipped; every test must run`);
  // A file that does not load, or an error outside any test, has no failed test to show for it.
  if (!ok && tests.numFailedTests === 0) fail(total, `${task.taskId} failed outside its tests`);
}

/** A line for each that passed, and not at its first try: test/retried.ts notes them. */
function testsTriedAgain({ testResults }) {
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  return results
    .filter(({ status, meta }) => status === 'passed' && meta?.tries > 0)
    .map(({ fullName }) => `passed only when it was tried again, look into it: ${fullName}`);
}

function fail(total, problem) {
  total.failed += 1;
  total.problems.push(problem);
}

function workspaces() {
  const inside = (folder) => (existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []);
  return [ROOT, join(ROOT, 'test'), join(ROOT, 'ops', 'cli'), ...inside(join(ROOT, 'libs')), ...inside(join(ROOT, 'services'))];
}
