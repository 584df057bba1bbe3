import { type ChildProcess, fork } from 'node:child_process';
import type { Readable } from 'node:stream';
import { MeshError } from '@smartlite/contracts';
import type { Log } from '../platform.ts';
import type { FromEngine, ToEngine } from './messages.ts';
import type { EngineChannel } from './process.ts';

const CHILD = new URL('./child.ts', import.meta.url);
/** What runtimes need of the environment. Everything else, settings and secrets, stays with the service, but for the keys of one's own upstream. */
const PASSED_ON = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'LD_LIBRARY_PATH', 'NODE_COMPILE_CACHE'];

/** A key of somebody else's service, which no other secret of ours can be mistaken for: a pack names what its engine gets, and no more than these. */
const UPSTREAM_KEY = /^SMARTLITE_UPSTREAM_[A-Z0-9_]+$/;

/** The environment variables that a model's settings name for its engine: those of settings that end in `_env`. */
export function keysOf(settings: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) =>
    name.endsWith('_env') && typeof value === 'string' && UPSTREAM_KEY.test(value) ? [value] : [],
  );
}

/**
 * Starts an engine process, which gets the named variables of the environment besides what every runtime needs. Its output is logged by
 * its length alone: it may quote what users said.
 */
export function spawnEngine(
  modelId: string,
  keys: readonly string[],
  listener: (message: FromEngine) => void,
  log: Log,
): EngineChannel {
  const child = fork(CHILD, [], {
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [],
    env: environment(keys),
  });
  const { pid } = child;
  if (pid === undefined) throw new MeshError('unavailable', `no process could be started for the engine of ${modelId}`);
  child.on('message', (message) => listener(message as FromEngine));
  const errors = follow(child.stderr, modelId, 'stderr', log);
  follow(child.stdout, modelId, 'stdout', log);
  return {
    pid,
    send: (message: ToEngine) => {
      // A child that has just ended takes no more; its end is told by `exited`.
      if (child.connected) child.send(message, () => {});
    },
    kill: () => void child.kill('SIGKILL'),
    exited: exitOf(child, modelId, errors, log),
  };
}

function environment(keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    [...PASSED_ON, ...keys].flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

function exitOf(child: ChildProcess, modelId: string, errors: { bytes: number }, log: Log): EngineChannel['exited'] {
  return new Promise((resolve) => {
    child.once('error', () => resolve({ code: null, signal: null }));
    child.once('exit', (code, signal) => {
      log.info('an engine process has ended', { model: modelId, pid: child.pid, code, signal, stderrBytes: errors.bytes });
      resolve({ code, signal });
    });
  });
}

function follow(stream: Readable | null, modelId: string, name: string, log: Log): { bytes: number } {
  const seen = { bytes: 0 };
  stream?.on('data', (chunk: Buffer) => {
    seen.bytes += chunk.length;
    log.debug('an engine process has written', { model: modelId, stream: name, bytes: chunk.length });
  });
  return seen;
}
