import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pemSigner } from '@smartlite/trust';
import { z } from 'zod';
import { Problem } from '../../problem.ts';
import type { KeySource } from '../source.ts';

/** A vault answers within a second; a command does not wait for ever. */
const ANSWER_MS = 10_000;
const ANSWER_BYTES_MAX = 64 * 1024;
const DEFAULT_FIELD = 'private_key';

const secretSchema = z.object({ data: z.object({ data: z.record(z.string(), z.unknown()) }) });

/**
 * `vault:MOUNT/PATH[#FIELD]`: a private key in PEM form out of Vault's KV store, version 2. Vault's transit engine does not know
 * secp256k1, so the key comes here and is held in memory while it signs. VAULT_ADDR and VAULT_TOKEN (or ~/.vault-token), as Vault's
 * own command reads them.
 */
export async function openVault(source: string): Promise<KeySource> {
  const { mount, path, field } = partsOf(source);
  const address = process.env['VAULT_ADDR'] ?? 'https://127.0.0.1:8200';
  const url = `${address.replace(/\/$/, '')}/v1/${mount}/data/${path}`;
  const pem = fieldOf(await ask(url), field, source);
  try {
    return { ...pemSigner(pem), name: source, [Symbol.asyncDispose]: async () => {} };
  } catch (cause) {
    throw new Problem(`${source}: ${(cause as Error).message}.`, `Put a secp256k1 key in PEM form into the field ${field}.`, {
      cause,
    });
  }
}

function partsOf(source: string) {
  const match = /^vault:(?:\/\/)?([\w.-]+)\/([\w./-]+)(?:#([\w.-]+))?$/.exec(source);
  const [, mount, path, field = DEFAULT_FIELD] = match ?? [];
  if (mount === undefined || path === undefined || path.split('/').includes('..'))
    throw new Problem(`--key ${source}: no path in Vault.`, 'Give vault:MOUNT/PATH or vault:MOUNT/PATH#FIELD.', { exitCode: 2 });
  return { mount, path, field };
}

async function ask(url: string): Promise<unknown> {
  const headers = {
    'X-Vault-Token': await token(),
    ...(process.env['VAULT_NAMESPACE'] && { 'X-Vault-Namespace': process.env['VAULT_NAMESPACE'] }),
  };
  let response: Response;
  try {
    response = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(ANSWER_MS) });
  } catch (cause) {
    throw new Problem(`Vault at ${url} does not answer.`, 'Check VAULT_ADDR, and that Vault runs.', { cause });
  }
  const text = await response.text();
  if (!response.ok || text.length > ANSWER_BYTES_MAX)
    throw new Problem(`Vault at ${url} answers ${response.status}.`, adviceFor(response.status));
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new Problem(`Vault at ${url} answers with no JSON.`, 'Check VAULT_ADDR.', { cause });
  }
}

function adviceFor(status: number): string {
  if (status === 403) return 'Check VAULT_TOKEN and that its policy may read the path.';
  return status === 404 ? 'Nothing lies there, or the mount is no KV store of version 2.' : 'Look at what Vault’s own log says.';
}

async function token(): Promise<string> {
  const given = process.env['VAULT_TOKEN'] ?? (await readFile(join(homedir(), '.vault-token'), 'utf8').catch(() => ''));
  if (given.trim() !== '') return given.trim();
  throw new Problem('No token for Vault.', 'Set VAULT_TOKEN, or run vault login.', { exitCode: 2 });
}

function fieldOf(answer: unknown, field: string, source: string): string {
  const parsed = secretSchema.safeParse(answer);
  const value = parsed.success && Object.hasOwn(parsed.data.data.data, field) ? parsed.data.data.data[field] : undefined;
  if (typeof value === 'string') return value;
  throw new Problem(`${source}: the secret has no field ${field}.`, 'Name the field: vault:MOUNT/PATH#FIELD.');
}
