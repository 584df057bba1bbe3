import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type RoleIdentity, roleIdentity } from '@smartlite/trust';

/** This verifier's identity, read again when its certificate was renewed on disk: it lives 24 hours. Throws if it cannot be read. */
export function identityFiles(folder: string): () => RoleIdentity {
  const certificate = join(folder, 'certificate.pem');
  let readAt = 0;
  let identity: RoleIdentity | undefined;
  return () => {
    const { mtimeMs } = statSync(certificate);
    if (identity === undefined || mtimeMs !== readAt) {
      identity = roleIdentity('lock-status', readFileSync(join(folder, 'key.pem'), 'utf8'), readFileSync(certificate, 'utf8'));
      readAt = mtimeMs;
    }
    return identity;
  };
}
