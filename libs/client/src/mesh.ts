import { readFile } from 'node:fs/promises';
import { MeshError, SUBJECTS } from '@smartlite/contracts';
import { parseTrust, type RoleTrust, roleTrust, type TrustDocument } from '@smartlite/trust';
import '@smartlite/contracts/nats-socket';
import { connect, type NatsConnection } from 'nats';
import { followAlerts, type MeshAlert } from './alerts.ts';
import { type EventsOptions, followEvents, type MeshEvent } from './events.ts';
import { MeshGuard } from './guard.ts';
import { followLock, type LockNews } from './lock.ts';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

export interface MeshOptions {
  /** Where NATS listens: `nats://host:port`, several with commas. */
  readonly servers: string;
  /** User and password for NATS, or the path of the JSON file that holds them. */
  readonly credentials?: Credentials | string | undefined;
  /** The fleet's trust document, or its path: what every signature is judged by. */
  readonly trust: TrustDocument | string;
  /** Seen in NATS' own list of connections. */
  readonly name?: string;
}

/** One connection to a mesh. Whatever it hands out was signed by the fleet; what was not is refused. */
export interface Mesh extends AsyncDisposable {
  /** Every event, in order, without gaps; from now on, or from where `after` says. Ends with the signal. */
  events(options?: EventsOptions): AsyncIterable<MeshEvent>;
  /** Security alerts from now on. */
  alerts(signal?: AbortSignal): AsyncIterable<MeshAlert>;
  /** Each authentic lock status from now on, with what it means at this moment. */
  lock(signal?: AbortSignal): AsyncIterable<LockNews>;
  /** Resolves when the server holds every subscription that was asked for before: nothing that comes later is missed. */
  settled(): Promise<void>;
  /** The lock's gate, for a service of one's own. */
  readonly guard: MeshGuard;
}

/** A lost connection is tried again for ever, this often. */
const RECONNECT_MS = 200;
/** The first connection is given up after this: a name that is wrong does not become right by waiting. */
const CONNECT_MS = 5_000;

/** Connects. Throws `unavailable` when NATS does not answer, `invalid-argument` when trust document or credentials cannot be read. */
export async function connectMesh({ servers, credentials, trust, name = 'smartlite-client' }: MeshOptions): Promise<Mesh> {
  const fleet = roleTrust(typeof trust === 'string' ? await readTrust(trust) : trust);
  const login = typeof credentials === 'string' ? await readCredentials(credentials) : credentials;
  await using opening = new AsyncDisposableStack();
  const open = async (purpose: string) => {
    const nats = await connectTo(servers, login, `${name} ${purpose}`);
    opening.defer(() => nats.close());
    return nats;
  };
  // The lock's news have a connection of their own: a reader that is slow with events must not delay them.
  const [nats, lockNats] = await Promise.all([open('events'), open('lock')]);
  const guard = new MeshGuard(lockNats, fleet);
  opening.defer(() => guard.stop());
  return meshOf(nats, lockNats, fleet, guard, opening.move());
}

function meshOf(
  nats: NatsConnection,
  lockNats: NatsConnection,
  trust: RoleTrust,
  guard: MeshGuard,
  ends: AsyncDisposableStack,
): Mesh {
  return {
    guard,
    events: (options = {}) => followEvents(nats, trust, options),
    alerts: (signal) => followAlerts(nats, trust, signal),
    settled: async () => void (await Promise.all([nats.flush(), lockNats.flush()])),
    lock: (signal) => followLock(lockNats, trust, guard, signal),
    [Symbol.asyncDispose]: () => ends.disposeAsync(),
  };
}

async function connectTo(servers: string, login: Credentials | undefined, name: string): Promise<NatsConnection> {
  try {
    return await connect({
      servers: servers.split(',').map((url) => url.trim()),
      name,
      timeout: CONNECT_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      // The one part of the inboxes that a user's permissions let it read.
      ...(login && { user: login.user, pass: login.password, inboxPrefix: SUBJECTS.inbox(login.user) }),
    });
  } catch (cause) {
    throw new MeshError('unavailable', `NATS does not answer at ${servers}, or refuses these credentials`, { cause });
  }
}

async function readTrust(path: string): Promise<TrustDocument> {
  try {
    return parseTrust(await readFile(path), path);
  } catch (cause) {
    throw new MeshError('invalid-argument', `${path} is no trust document; a mesh of npm start has it in .smartlite/trust.json`, {
      cause,
    });
  }
}

async function readCredentials(path: string): Promise<Credentials> {
  try {
    const read: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (isCredentials(read)) return read;
  } catch {
    // Said below; the cause may quote the password.
  }
  throw new MeshError('invalid-argument', `${path} is no readable JSON of the form {"user": ..., "password": ...}`);
}

function isCredentials(read: unknown): read is Credentials {
  return (
    typeof read === 'object' &&
    read !== null &&
    'user' in read &&
    typeof read.user === 'string' &&
    'password' in read &&
    typeof read.password === 'string'
  );
}
