import type { Role } from '../certificates/roles.ts';
import { verifyRoleCertificate } from '../certificates/verify.ts';
import { sha256Hex } from '../digest.ts';
import { TrustError } from '../finding.ts';
import type { TrustDocument } from '../trustdocument.ts';
import type { RoleKey, RoleTrust } from './envelope.ts';

/** Chains that are remembered: a fleet of a thousand instances, each with its own. */
const CHAINS_MAX = 2_048;
/** A chain is proven anew each minute of the time that it is judged at, so that its end is noticed. */
const PROVEN_FOR_MS = 60_000;

/** Judges signers of messages by the trust document's roots. Chains are remembered: a status a second must not cost two P-256 checks. */
export function roleTrust(document: TrustDocument): RoleTrust {
  const proven = new Map<string, RoleKey>();
  const { fleet, generation } = document;
  const prove = (certificates: readonly string[], roles: readonly Role[], nowUnixMs: number): RoleKey => {
    const { key, role, subject } = verifyRoleCertificate(certificates, document, roles, nowUnixMs);
    if (document.revocations.some(({ keyid }) => keyid === key.keyId))
      throw new TrustError('KEY_REVOKED', `the ${role} key ${key.keyId.slice(0, 16)} is revoked`);
    return { keyId: key.keyId, role, subject, publicKey: key.key };
  };
  return {
    fleet,
    generation,
    role(certificates, roles, nowUnixMs) {
      const name = sha256Hex(Buffer.from(`${Math.floor(nowUnixMs / PROVEN_FOR_MS)} ${roles.join()} ${certificates.join()}`));
      const known = proven.get(name);
      if (known !== undefined) return known;
      const key = prove(certificates, roles, nowUnixMs);
      if (proven.size >= CHAINS_MAX) proven.clear();
      proven.set(name, key);
      return key;
    },
  };
}
