import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Problem } from '../problem.ts';
import type { Address } from './ports.ts';

/** Recovering a 2 GB store takes seconds; a server that needs longer is stuck. */
const READY_MS = 30_000;
const LOOK_MS = 25;

/** Starts nats-server. On Linux the kernel ends it with us, however we end, so that no server is left behind. */
export function spawnNatsServer(config: string): ChildProcess {
  const command = ['nats-server', '-c', config];
  const tied = process.platform === 'linux' && isOnPath('setpriv') ? ['setpriv', '--pdeathsig', 'TERM', ...command] : command;
  const [program = 'nats-server', ...args] = tied;
  return spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Throws when there is no server to start. */
export function requireNatsServer(): void {
  if (isOnPath('nats-server')) return;
  throw new Problem(
    'nats-server is not on PATH.',
    'Run npm start, which installs it, or: sudo apt-get install -y nats-server. SMARTLITE_NATS_URL names a running one instead.',
  );
}

/** Waits until the server greets: the first line of the NATS protocol is `INFO {...}`. */
export async function waitForNats(address: Address, { alive }: { alive: () => boolean }): Promise<void> {
  for (let waited = 0; waited < READY_MS; waited += LOOK_MS) {
    if (await greets(address)) return;
    if (!alive()) break;
    await wait(LOOK_MS);
  }
  throw new Problem(
    `NATS does not answer on ${address.host}:${address.port}.`,
    'See .smartlite/log/nats-server.log for its reason.',
  );
}

function greets({ host, port }: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('data', (chunk) => done(chunk.toString('latin1').startsWith('INFO ')));
    socket.once('error', () => done(false));
    socket.once('timeout', () => done(false));
    socket.once('close', () => resolve(false));
  });
}

function isOnPath(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, command)));
}
