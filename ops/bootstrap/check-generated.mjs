// Fails when libs/contracts/src/gen is not what `npm run gen` makes of proto/ today.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './place.mjs';

const fresh = mkdtempSync(join(tmpdir(), 'smartlite-gen-'));
try {
  run('buf', ['generate', '--output', fresh]);
  run('diff', ['-r', '--brief', join('libs', 'contracts', 'src', 'gen'), join(fresh, 'libs', 'contracts', 'src', 'gen')]);
} finally {
  rmSync(fresh, { recursive: true, force: true });
}

function run(command, args) {
  if (process.exitCode) return;
  const { status } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' });
  if (status === 0) return;
  console.error('The generated code is stale, or proto/ does not compile: run npm run gen and commit the result.');
  process.exitCode = 1;
}
