import { randomBytes } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Address } from './ports.ts';
import { permissionsOf, readPermissions } from './permissions.ts';

/** JetStream counts what its streams may grow to (audit 0.5 GB, control log, ledger, events), not what they hold, and refuses beyond this sum. */
const FILE_STORE_BYTES = 8 * 1024 ** 3;
/** The trace store takes 64 MB of it. */
const MEMORY_STORE_BYTES = 256 * 1024 ** 2;
/** The largest message is a lock or a pack: some hundred kilobytes. */
const PAYLOAD_BYTES = 4 * 1024 ** 2;

export interface NatsUser {
  readonly service: string;
  readonly instance: string;
}

export interface NatsFiles {
  readonly config: string;
  /** Credentials file by instance. */
  readonly credentials: ReadonlyMap<string, string>;
}

/** Writes the server's configuration and a credentials file for each user, all with mode 0600 and fresh passwords. */
export async function writeNatsFiles(
  folder: string,
  { root, address, users }: { root: string; address: Address; users: readonly NatsUser[] },
): Promise<NatsFiles> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const table = await readPermissions(root);
  const credentials = new Map<string, string>();
  const entries: unknown[] = [];
  for (const user of users) {
    const password = randomBytes(24).toString('base64url');
    const path = join(folder, `${user.instance}.json`);
    await writePrivate(path, JSON.stringify({ user: user.instance, password }));
    credentials.set(user.instance, path);
    entries.push({ user: user.instance, password, permissions: permissionsOf(table, user) });
  }
  const config = join(folder, 'nats-server.conf');
  await writePrivate(config, configText({ folder, address, entries }));
  return { config, credentials };
}

/** JSON is accepted by the server's grammar, so that no value needs quoting rules of its own. */
function configText({ folder, address, entries }: { folder: string; address: Address; entries: readonly unknown[] }): string {
  const config = {
    host: address.host,
    port: address.port,
    server_name: 'smartlite-local',
    max_payload: PAYLOAD_BYTES,
    jetstream: { store_dir: join(folder, 'jetstream'), max_memory_store: MEMORY_STORE_BYTES, max_file_store: FILE_STORE_BYTES },
    accounts: { MESH: { jetstream: 'enabled', users: entries } },
  };
  return Object.entries(config)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
    .join('');
}

async function writePrivate(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600 });
  await chmod(path, 0o600); // An older file keeps its mode when it is written again.
}
