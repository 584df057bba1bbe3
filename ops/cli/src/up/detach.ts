import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../problem.ts';
import { refuseSecond } from './claim.ts';
import { readMesh } from './mesh-file.ts';
import type { Place } from './place.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Enough for what is wrong and what to do about it. */
const LINES_SHOWN = 6;

/** Starts the same command apart from this terminal, and comes back when it is ready or has failed. */
export async function detach(place: Place, args: readonly string[]): Promise<void> {
  // Before its output is overwritten.
  await refuseSecond(place);
  await mkdir(place.logs, { recursive: true, mode: 0o700 });
  const logPath = join(place.logs, 'up.log');
  await rm(logPath, { force: true });
  const log = openSync(logPath, 'a', 0o600);
  const child = spawn(process.execPath, [process.argv[1] ?? '', ...args], { detached: true, stdio: ['ignore', log, log, 'ipc'] });
  // It has a session of its own: an interrupt at this terminal does not reach it, and nobody wants what was interrupted.
  let stopped = false;
  const stop = () => {
    stopped = true;
    child.kill('SIGTERM');
  };
  for (const name of SIGNALS) process.on(name, stop);
  const outcome = await Promise.race([
    new Promise<'up'>((resolve) => child.once('message', () => resolve('up'))),
    new Promise<'ended'>((resolve) => child.once('exit', () => resolve('ended'))),
  ]);
  for (const name of SIGNALS) process.off(name, stop);
  if (stopped) throw new Problem('Stopped before the mesh was ready.', `Start it again when you like. Its output: ${logPath}`);
  if (outcome === 'ended')
    throw new Problem(`The mesh did not start. Its last words:\n${await lastWords(logPath)}`, `Its whole output: ${logPath}`);
  child.disconnect();
  child.unref();
  const mesh = await readMesh(place.meshFile);
  console.log(
    `The mesh runs apart from this terminal (process ${child.pid}): ${mesh?.gateway ?? ''}\nThe API key: ${place.apiKey}\nIts output: ${logPath}   End it: npx smartlite down`,
  );
}

async function lastWords(logPath: string): Promise<string> {
  const lines = (await readFile(logPath, 'utf8').catch(() => '')).trimEnd().split('\n');
  return lines
    .slice(-LINES_SHOWN)
    .map((line) => `  ${line}`)
    .join('\n');
}
