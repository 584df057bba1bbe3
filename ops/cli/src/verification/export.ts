import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { decodeSignature, derOf, type GuardedKey, type ProvenLock, writeAtomically } from '@smartlite/trust';
import { Problem } from '../problem.ts';

const TABLE = 'artifacts.tsv';

/**
 * Writes what a stock OpenSSL needs to check every artifact by itself: the public key, a DER signature for each artifact, and a table of
 * id, absolute path and SHA-256, which comes last: where it stands, all is there. For artifacts that have been verified.
 */
export async function exportForOpenssl(folder: string, root: string, proven: ProvenLock): Promise<number> {
  const key = signerOfAll(proven);
  await mkdir(folder, { recursive: true });
  await rm(join(folder, TABLE), { force: true });
  await writeAtomically(join(folder, 'public-key.pem'), pemOf(key));
  const lines: string[] = [];
  for (const { id, path, sha256 } of proven.lock.manifest) {
    const signature = signaturesOf(proven, id).find(({ keyid }) => keyid === key.keyId);
    await writeAtomically(join(folder, `${id}.sig`), derOf(decodeSignature(signature?.sig ?? '')));
    lines.push(`${id}\t${join(resolve(root), path)}\t${sha256}\n`);
  }
  await writeAtomically(join(folder, TABLE), lines.join(''));
  return lines.length;
}

/** One key checks all: the newest of those that signed every artifact. */
function signerOfAll(proven: ProvenLock): GuardedKey {
  const key = [...proven.signers.values()].findLast(({ keyId }) =>
    proven.lock.manifest.every(({ id }) => signaturesOf(proven, id).some(({ keyid }) => keyid === keyId)),
  );
  if (key) return key;
  throw new Problem(
    'No one key has signed every artifact, so one public key cannot check them.',
    'Sign anew: npx smartlite sign.',
  );
}

function signaturesOf({ signatures }: ProvenLock, id: string) {
  return Object.hasOwn(signatures.artifacts, id) ? (signatures.artifacts[id] ?? []) : [];
}

function pemOf({ spki }: GuardedKey): string {
  const body = Buffer.from(spki).toString('base64');
  return `-----BEGIN PUBLIC KEY-----\n${body.match(/.{1,64}/g)?.join('\n')}\n-----END PUBLIC KEY-----\n`;
}
