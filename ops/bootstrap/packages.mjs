import { existsSync, statfsSync } from 'node:fs';
import { relative } from 'node:path';
import { run } from './child.mjs';
import { isInstalled } from './installed.mjs';
import { ROOT } from './place.mjs';
import { Problem } from './problem.mjs';
import { step } from './progress.mjs';

/** Brings node_modules of a folder to what its lockfile says. Interrupted, the next call starts over from npm's own download cache. */
export async function installPackages(folder, { label, env, megabytes }) {
  if (isInstalled(folder)) return;
  requireSpace(folder, megabytes);
  const { code, output } = await step(label, () => run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, env }));
  if (code !== 0) throw explain(folder, output);
}

function requireSpace(folder, megabytes) {
  const { bavail, bsize } = statfsSync(folder);
  const free = Math.floor((bavail * bsize) / 1e6);
  if (free >= megabytes) return;
  throw new Problem(
    `${folder}: ${free} MB free, about ${megabytes} MB needed.`,
    'Free some space and run the same command again; what is already there is kept.',
  );
}

const CAUSES = [
  [/ENOSPC/, 'the disk is full', 'Free some space and run the same command again.'],
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|network/i,
    'the package registry cannot be reached',
    'Go online and run the same command again; it continues with what it has.',
  ],
  [/EACCES|EPERM/, 'npm may not write here', 'Give this user the checkout and its npm cache, then run the same command again.'],
  [
    /E404|ETARGET/,
    'the package registry lacks a pinned version',
    'Use a registry that has it (npm config get registry), then run the same command again.',
  ],
  [/not found|ENOENT.*npm/, 'npm was not found', 'Install npm beside Node.js and run the same command again.'],
];

function explain(folder, output) {
  const place = relative(ROOT, folder) || 'the checkout';
  const known = CAUSES.find(([pattern]) => pattern.test(output));
  const said = output.trim().split('\n').slice(-12).join('\n');
  if (known) return new Problem(`Packages of ${place}: ${known[1]}.\n${said}`, known[2]);
  return new Problem(
    `Packages of ${place} could not be installed:\n${said}`,
    existsSync(`${folder}/package-lock.json`)
      ? 'Mend what npm names and run the same command again.'
      : 'package-lock.json is missing: take it from version control.',
  );
}
