import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPublicKey } from 'node:crypto';
import { MeshError } from '@smartlite/contracts';
import { noteKey } from '@smartlite/tlog';
import { type RoleIdentity, roleIdentity } from '@smartlite/trust';
import type { LogKey } from '../treelog.ts';

/** The checkpoint key with its certificate. Read again for each use of the certificate: it is renewed while the service runs. */
export function checkpointIdentity(folder: string): RoleIdentity {
  try {
    const [key, certificates] = ['key.pem', 'certificate.pem'].map((name) => readFileSync(join(folder, name), 'utf8')) as [
      string,
      string,
    ];
    return roleIdentity('audit-checkpoint', key, certificates);
  } catch (cause) {
    throw new MeshError(
      'internal',
      `no usable checkpoint key in ${folder}: it must hold key.pem (Ed25519) and certificate.pem of the role audit-checkpoint, see SMARTLITE_CHECKPOINT_IDENTITY`,
      { cause },
    );
  }
}

/** The same key under the log's name, as its notes carry it. */
export function logKey(origin: string, { privateKey }: RoleIdentity): LogKey {
  return { key: noteKey(origin, createPublicKey(privateKey)), privateKey };
}
