import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { Problem } from '../problem.ts';
import type { Place } from './place.ts';

const clientSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'is not 1 to 63 of a-z, 0-9, ".", "_" and "-"'),
  /** SHA-256 of the key's text. The key has 256 bits of chance in it, so a plain hash cannot be guessed back. */
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  user: z.string(),
  tenant: z.string(),
  regions: z.array(z.string()),
  operator: z.boolean(),
  may_act_for: z.boolean(),
  created: z.iso.datetime(),
});
const fileSchema = z.strictObject({ format: z.literal('smartlite-clients/1'), clients: z.array(clientSchema) });
export type Client = z.infer<typeof clientSchema>;

/** The gateway's clients; none where the file is not there yet. */
export async function readClients(path: string): Promise<Client[]> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return [];
  const parsed = fileSchema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data.clients;
  throw new Problem(`${path}: ${z.prettifyError(parsed.error)}`, 'Mend or remove the file; a start makes a new one.', {
    exitCode: 2,
  });
}

/** Replaces the file in one step; the gateway rereads it. */
export async function writeClients(path: string, clients: readonly Client[]): Promise<void> {
  await writePrivate(path, `${JSON.stringify({ format: 'smartlite-clients/1', clients }, null, 2)}\n`);
}

/** Makes a client and its key. The key's text is given once and kept nowhere. */
export function newClient(
  facts: Omit<Client, 'digest' | 'created'>,
  nowUnixMs: number,
): { readonly key: string; readonly client: Client } {
  const key = `slk_${randomBytes(32).toString('base64url')}`;
  const client = clientSchema.safeParse({ ...facts, digest: digestOf(key), created: new Date(nowUnixMs).toISOString() });
  if (client.success) return { key, client: client.data };
  throw new Problem(`Client ${facts.id}: ${z.prettifyError(client.error)}`, 'Choose another name.', { exitCode: 2 });
}

/** The key of this machine's own client: made at the first start, then the same. */
export async function ensureLocalKey(place: Place, nowUnixMs: number): Promise<string> {
  const clients = await readClients(place.clients);
  const kept = (await readFile(place.apiKey, 'utf8').catch(() => '')).trim();
  if (clients.some((client) => client.id === 'local' && client.digest === digestOf(kept))) return kept;
  const { key, client } = newClient(
    { id: 'local', user: 'local', tenant: 'local', regions: [], operator: true, may_act_for: true },
    nowUnixMs,
  );
  await writePrivate(place.apiKey, `${key}\n`);
  await writeClients(place.clients, [...clients.filter(({ id }) => id !== 'local'), client]);
  return key;
}

function digestOf(key: string): string {
  return `sha256:${createHash('sha256').update(key, 'utf8').digest('hex')}`;
}

async function writePrivate(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await chmod(`${path}.new`, 0o600);
  await rename(`${path}.new`, path);
}
