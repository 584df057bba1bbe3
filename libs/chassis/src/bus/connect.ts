import { readFile } from 'node:fs/promises';
import { MeshError, SUBJECTS } from '@smartlite/contracts';
import '@smartlite/contracts/nats-socket';
import { connect, type NatsConnection } from 'nats';
import { z } from 'zod';
import type { Log } from '../platform.ts';

/** How long a start waits for NATS: it is often started at the same time. */
const FIRST_CONNECT_MS = 15_000;
const FIRST_RETRY_MS = 200;
/** A lost connection is tried again for ever, this often, with chance added so that a fleet does not come back at one instant. */
const RECONNECT_MS = 200;
const RECONNECT_JITTER_MS = 300;
/** A silent server is given up after two missed pings. */
const PING_MS = 5_000;
const PINGS_MISSED_MAX = 2;

const credentialsSchema = z.strictObject({ user: z.string().min(1), password: z.string().min(1) });

export interface BusAddress {
  readonly natsUrl: string;
  readonly natsCredentials: string | undefined;
  /** Seen in NATS' own list of connections. */
  readonly name: string;
}

/** Connects, and stays connected. Throws `unavailable` when NATS does not answer at all. */
export async function connectNats({ natsUrl, natsCredentials, name }: BusAddress, log: Log): Promise<NatsConnection> {
  const login = natsCredentials === undefined ? undefined : await readCredentials(natsCredentials);
  const nats = await firstConnection(() =>
    connect({
      servers: natsUrl.split(',').map((url) => url.trim()),
      name,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      reconnectJitter: RECONNECT_JITTER_MS,
      pingInterval: PING_MS,
      maxPingOut: PINGS_MISSED_MAX,
      ...(login && { user: login.user, pass: login.password, inboxPrefix: SUBJECTS.inbox(login.user) }),
    }),
  ).catch((cause: unknown) => {
    throw new MeshError('unavailable', `NATS does not answer at ${natsUrl}: start it, or set SMARTLITE_NATS_URL to where it is`, {
      cause,
    });
  });
  void watch(nats, log);
  return nats;
}

async function readCredentials(file: string) {
  try {
    return credentialsSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    // The cause is left out: it may quote the password.
    throw new MeshError(
      'internal',
      `${file} is no readable JSON of the form {"user": ..., "password": ...}; check SMARTLITE_NATS_CREDENTIALS`,
    );
  }
}

async function firstConnection(attempt: () => Promise<NatsConnection>): Promise<NatsConnection> {
  const giveUpAtMs = performance.now() + FIRST_CONNECT_MS;
  while (true) {
    try {
      return await attempt();
    } catch (caught) {
      if (performance.now() > giveUpAtMs || isDenied(caught)) throw caught;
      await new Promise((resolve) => setTimeout(resolve, FIRST_RETRY_MS));
    }
  }
}

// A wrong password does not become right by waiting.
function isDenied(caught: unknown): boolean {
  return caught instanceof Error && 'code' in caught && caught.code === 'AUTHORIZATION_VIOLATION';
}

async function watch(nats: NatsConnection, log: Log): Promise<void> {
  for await (const { type, data } of nats.status()) {
    if (type === 'disconnect' || type === 'error') log.warn('the connection to NATS is troubled', { type, data: textOf(data) });
    else if (type === 'reconnect') log.info('connected to NATS again', { server: textOf(data) });
  }
}

function textOf(data: unknown): string {
  return typeof data === 'string' ? data : JSON.stringify(data);
}
