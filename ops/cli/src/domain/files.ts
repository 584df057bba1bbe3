import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type KeyAndChain,
  parseTrust,
  readBounded,
  splitPem,
  TRUST_BYTES_MAX,
  type TrustDocument,
  writeAtomically,
} from '@smartlite/trust';
import { Problem } from '../problem.ts';
import type { Place } from '../up/place.ts';

/** Keys are for their owner; certificates are for everyone. */
const PRIVATE = 0o600;
const PUBLIC = 0o644;

/** Where a trust domain's keys and certificates lie. CA keys and the operator's key never leave `.smartlite/keys`. */
export function domainFiles({ certs, keys }: Place) {
  return {
    root: { key: join(keys, 'root-ca-key.pem'), certificate: join(certs, 'smartlite-root-ca.pem') },
    intermediate: { key: join(keys, 'intermediate-ca-key.pem'), certificate: join(certs, 'smartlite-intermediate-ca.pem') },
    signing: { key: join(certs, 'model-signing-key.pem'), certificate: join(certs, 'model-signing-cert.pem') },
    /** While a rotation is under way. */
    nextSigning: { key: join(certs, 'next-signing-key.pem'), certificate: join(certs, 'next-signing-cert.pem') },
    /** The key before it: signs too until its certificate ends, so that the change is vouched for by both. */
    formerSigning: { key: join(certs, 'former-signing-key.pem'), certificate: join(certs, 'former-signing-cert.pem') },
    operator: { key: join(keys, 'operator-key.pem'), certificate: join(keys, 'operator-cert.pem') },
  };
}
export interface KeyFiles {
  readonly key: string;
  readonly certificate: string;
}

/** Writes a key and its certificates (leaf first), each in one step. */
export async function writeKey(files: KeyFiles, { key, chain }: KeyAndChain): Promise<void> {
  await mkdir(dirname(files.key), { recursive: true, mode: 0o700 });
  await mkdir(dirname(files.certificate), { recursive: true });
  await writeAtomically(files.key, key, PRIVATE);
  await writeAtomically(files.certificate, chain.map((pem) => `${pem.trim()}\n`).join(''), PUBLIC);
}

/** Reads what `writeKey` wrote. */
export async function readKey(files: KeyFiles): Promise<KeyAndChain> {
  try {
    const [key, chain] = await Promise.all([readFile(files.key, 'utf8'), readFile(files.certificate, 'utf8')]);
    return { key, chain: splitPem(chain) };
  } catch (cause) {
    throw new Problem(
      `${(cause as NodeJS.ErrnoException).path ?? files.key} cannot be read.`,
      'Restore it, or make a new trust domain: npx smartlite keys new --new-trust',
      { exitCode: 2, cause },
    );
  }
}

/** The trust document; undefined where there is none yet. */
export async function readTrust(path: string): Promise<TrustDocument | undefined> {
  const bytes = await readBounded(path, TRUST_BYTES_MAX).catch((caught: NodeJS.ErrnoException) => {
    if (caught.code === 'ENOENT') return undefined;
    throw caught;
  });
  return bytes && parseTrust(bytes, path);
}

export async function writeTrust(path: string, trust: TrustDocument): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeAtomically(path, `${JSON.stringify(trust, null, 2)}\n`);
}
