// Fails when a change of proto/ would break a program built against the last commit.
import { spawnSync } from 'node:child_process';
import { ROOT } from './place.mjs';

const committed = spawnSync('git', ['cat-file', '-e', 'HEAD:proto'], { cwd: ROOT }).status === 0;
if (committed) {
  const { status } = spawnSync('buf', ['breaking', '--against', '.git#ref=HEAD'], { cwd: ROOT, stdio: 'inherit' });
  process.exitCode = status === 0 ? 0 : 1;
} else {
  console.log('No commit holds proto/ yet: nothing that could break.');
}
