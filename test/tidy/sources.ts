import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

/** One file of the project as git sees it: committed, or about to be. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Every file that git does not ignore, with paths relative to the root. */
export function listFiles(): readonly string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return listed.split('\0').filter((path) => path !== '' && existsSync(join(ROOT, path)));
}

export function read(path: string): SourceFile {
  return { path, text: readFileSync(join(ROOT, path), 'utf8') };
}

/** Our own TypeScript; what a generator wrote is not ours. */
export function readSources(): readonly SourceFile[] {
  return listFiles()
    .filter((path) => /^(libs|services|ops|test)\/.*\.ts$/.test(path) && !path.includes('/src/gen/'))
    .map(read);
}

/** Tests and what only tests import. */
export function isTest(path: string): boolean {
  return /\.test\.ts$|\/fixtures\/|^test\/|^libs\/testkit\//.test(path);
}
