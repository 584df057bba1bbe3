import { lstat, writeFile } from 'node:fs/promises';
import { newSigningKeyPem, pemSigner, readBounded } from '@smartlite/trust';
import { Problem } from '../../problem.ts';
import type { KeySource } from '../source.ts';

/** A key is a few hundred bytes. */
const KEY_BYTES_MAX = 16 * 1024;
const OTHERS = 0o077;

/** A private key in a file that its owner alone may read: PKCS#8 or SEC 1, secp256k1. */
export async function openPem(path: string): Promise<KeySource> {
  await assertPrivate(path);
  const pem = Buffer.from(await readBounded(path, KEY_BYTES_MAX)).toString('latin1');
  try {
    return { ...pemSigner(pem), name: path, [Symbol.asyncDispose]: async () => {} };
  } catch (cause) {
    throw new Problem(
      `${path}: ${cause instanceof Error ? cause.message : 'no key'}.`,
      'npx smartlite keys new makes one; or: openssl ecparam -name secp256k1 -genkey -noout.',
      { exitCode: 2, cause },
    );
  }
}

/** Writes a new key, for its owner alone, unless something lies there. */
export async function makePem(path: string): Promise<void> {
  await writeFile(path, newSigningKeyPem(), { flag: 'wx', mode: 0o600 }).catch((caught: NodeJS.ErrnoException) => {
    if (caught.code === 'EEXIST') return;
    throw new Problem(`${path}: no key can be written there (${caught.code}).`, 'Name another file.', {
      exitCode: 2,
      cause: caught,
    });
  });
}

async function assertPrivate(path: string): Promise<void> {
  const stats = await lstat(path).catch((cause: NodeJS.ErrnoException) => {
    throw new Problem(`${path}: no key can be read there (${cause.code}).`, 'Name a key with --key.', { exitCode: 2, cause });
  });
  if (!stats.isFile()) throw new Problem(`${path} is no regular file.`, 'Name the key’s own file.', { exitCode: 2 });
  if ((stats.mode & OTHERS) === 0) return;
  const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
  throw new Problem(
    `KEY_FILE_EXPOSED: ${path} may be read or written by others (mode ${mode}).`,
    `Run: chmod 600 ${path} - and if others could have read it, rotate the key.`,
  );
}
