#!/usr/bin/env node
// The `smartlite` command. Runs under whatever Node >= 20 called it and starts the real program under the pinned one.
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(realpathSync(fileURLToPath(import.meta.url)));
const ROOT = join(HERE, '..', '..', '..');
const PINNED = join(ROOT, 'ops', 'node', 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');

const program = join(HERE, '..', 'src', 'main.ts');
if (!existsSync(join(ROOT, 'node_modules', 'commander'))) {
  console.error(`${ROOT}: not set up yet.\nRun npm start there first; it installs everything.`);
  process.exit(2);
}
const [node, path] = existsSync(PINNED)
  ? [PINNED, `${dirname(PINNED)}:${process.env.PATH ?? ''}`]
  : [process.execPath, process.env.PATH];
const child = spawn(node, [program, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: {
    NODE_COMPILE_CACHE: join(ROOT, '.smartlite', 'cache'),
    ...process.env,
    PATH: path,
    DO_NOT_TRACK: '1',
  },
});
// A terminal signals the whole group, so the child has an interrupt already; a signal to this process alone is passed on.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.once('error', (error) => {
  console.error(`${node}: ${error.message}`);
  process.exit(2);
});
child.once('close', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
