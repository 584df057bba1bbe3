import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../problem.ts';
import { readMesh } from './mesh-file.ts';
import type { Place } from './place.ts';

/** Starts the same command apart from this terminal, and comes back when it is ready or has failed. */
export async function detach(place: Place, args: readonly string[]): Promise<void> {
  await mkdir(place.logs, { recursive: true, mode: 0o700 });
  const logPath = join(place.logs, 'up.log');
  const log = openSync(logPath, 'w', 0o600);
  const child = spawn(process.execPath, [process.argv[1] ?? '', ...args], { detached: true, stdio: ['ignore', log, log, 'ipc'] });
  const outcome = await Promise.race([
    new Promise<'up'>((resolve) => child.once('message', () => resolve('up'))),
    new Promise<'ended'>((resolve) => child.once('exit', () => resolve('ended'))),
  ]);
  if (outcome === 'ended') throw new Problem('The mesh did not start.', `Its output: ${logPath}`);
  child.disconnect();
  child.unref();
  const mesh = await readMesh(place.meshFile);
  console.log(
    `The mesh runs apart from this terminal (process ${child.pid}): ${mesh?.gateway ?? ''}\nIts output: ${logPath}   End it: npx smartlite down`,
  );
}
