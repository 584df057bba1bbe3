import { issueSigningCertificate, sha256Hex, type TrustDocument } from '@smartlite/trust';
import type { CertifiedSigner } from '../domain/signing.ts';
import { authorityOf } from '../domain/local.ts';
import { Problem } from '../problem.ts';
import { record } from '../trail/record.ts';
import type { Place } from '../up/place.ts';
import { chainOf, keepCertified } from './keyring.ts';
import type { KeySource } from './source.ts';

/**
 * A signer for a key that was named by --key. A development domain certifies a key that is new to it, for its intermediate lies on this
 * disk; everywhere else the team's own authority has to have done so.
 */
export async function certifiedSigner(
  place: Place,
  trust: TrustDocument,
  source: KeySource,
  nowMs: number,
): Promise<CertifiedSigner> {
  const known = await chainOf(place, source);
  if (known) return { signer: source, chain: known };
  const keyid = sha256Hex(source.spki);
  if (trust.class !== 'development')
    throw new Problem(
      `Key ${keyid.slice(0, 16)} has no certificate here.`,
      `Have your authority certify it, and put the chain (leaf first) to ${place.keys}/certified/${keyid.slice(0, 16)}-cert.pem.`,
      { exitCode: 2 },
    );
  const chain = await issueSigningCertificate(await authorityOf(place), { fleet: trust.fleet, spki: source.spki }, nowMs);
  await keepCertified(place, { keyid, source: source.name, chain });
  await record(place, [{ kind: 'key.changed', facts: { change: 'certified', keyid, source: source.name } }]);
  return { signer: source, chain };
}
