import { readFile } from 'node:fs/promises';
import { SUBJECTS } from '@smartlite/contracts';
import '@smartlite/contracts/nats-socket';
import { connect, type NatsConnection } from 'nats';
import { z } from 'zod';
import { Problem } from '../../problem.ts';
import type { BusAddress } from '../find.ts';

/** A server on this machine greets within milliseconds; one across an ocean within a second. */
const CONNECT_MS = 3_000;

const credentialsSchema = z.object({ user: z.string(), password: z.string() });

/** A connection for one command; it ends when the command's block does. */
export async function openBus({ url, credentials }: BusAddress): Promise<NatsConnection & AsyncDisposable> {
  const login = credentials === undefined ? {} : await readCredentials(credentials);
  try {
    const bus = await connect({
      servers: url.split(','),
      ...login,
      name: 'smartlite-cli',
      timeout: CONNECT_MS,
      reconnect: false,
    });
    return Object.assign(bus, { [Symbol.asyncDispose]: () => bus.close() });
  } catch (cause) {
    throw new Problem(
      `NATS at ${url} does not answer or refuses: ${(cause as Error).message}.`,
      'npx smartlite doctor looks at what is wrong.',
      { cause },
    );
  }
}

async function readCredentials(path: string): Promise<{ user: string; pass: string; inboxPrefix: string }> {
  try {
    const { user, password } = credentialsSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    return { user, pass: password, inboxPrefix: SUBJECTS.inbox(user) };
  } catch (cause) {
    throw new Problem(
      `${path}: no user and password for NATS can be read there.`,
      'Start the mesh again, or mend SMARTLITE_NATS_CREDENTIALS.',
      { exitCode: 2, cause },
    );
  }
}
