import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MeshError, type ServiceName } from '@smartlite/contracts';
import { type RoleIdentity, roleIdentity } from '@smartlite/trust';

/** Reads a process' identity: `key.pem` (Ed25519, PKCS #8) and `certificate.pem` (leaf first). Whether it is valid, those judge who see its signatures. */
export function readIdentity(folder: string, service: ServiceName): RoleIdentity {
  try {
    const [key, certificates] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')].map((file) =>
      readFileSync(file, 'utf8'),
    ) as [string, string];
    return roleIdentity(service === 'verifier' ? 'lock-status' : 'instance', key, certificates);
  } catch (cause) {
    throw new MeshError(
      'internal',
      `no usable identity in ${folder}; it must hold key.pem and certificate.pem, see SMARTLITE_IDENTITY`,
      { cause },
    );
  }
}
