import { sha256Hex } from '../digest.ts';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { type RoleIdentity } from './envelope.ts';
import type { Role } from '../certificates/roles.ts';
import { TrustError } from '../finding.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----\n?/g;

/** One's own identity from its two files: an Ed25519 key (PKCS#8 PEM), and the certificate chain (PEM, leaf first). */
export function roleIdentity(role: Role, keyPem: string, certificatesPem: string): RoleIdentity {
  const privateKey = createPrivateKey(keyPem);
  if (privateKey.asymmetricKeyType !== 'ed25519')
    throw new TrustError('KEY_WRONG_ALGORITHM', `the ${role} key must be Ed25519, not ${privateKey.asymmetricKeyType}`);
  const certificates = certificatesPem.match(CERTIFICATE) ?? [];
  if (certificates.length === 0)
    throw new TrustError(
      'SIGNATURE_MISSING',
      `the ${role} identity has no certificate: put the leaf and its intermediate into certificate.pem`,
    );
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return { role, keyId: sha256Hex(spki), privateKey, certificates };
}
