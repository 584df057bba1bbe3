import { readCertificate } from './certificates/verify.ts';
import { sha256Hex } from './digest.ts';
import type { ProvenLock } from './verifylock.ts';

/** Of a key of 90 days: from day 75 it should be rotated, from day 85 it must be. Other lives in proportion. */
const WARN_AFTER = 75 / 90;
const ALERT_AFTER = 85 / 90;

export type KeyStage = 'fresh' | 'warning' | 'alert';

/** From when to when a certificate holds. */
export interface Lifetime {
  readonly fromUnixMs: number;
  readonly toUnixMs: number;
}

/** How far a key is through its life. */
export function keyStage({ fromUnixMs, toUnixMs }: Lifetime, nowMs: number): KeyStage {
  const spent = (nowMs - fromUnixMs) / (toUnixMs - fromUnixMs);
  if (spent >= ALERT_AFTER) return 'alert';
  return spent >= WARN_AFTER ? 'warning' : 'fresh';
}

/** A key that signed a lock, with its certificate's life. */
export interface SigningKey extends Lifetime {
  readonly keyId: string;
}

/** Of the keys that signed the lock, the one that holds longest: during an overlap the former one may end first without harm. */
export function newestSigningKey({ signers, signatures }: Pick<ProvenLock, 'signers' | 'signatures'>): SigningKey | undefined {
  const keys = signatures.certificates.flatMap((pem) => signingKeyOf(pem, signers));
  return keys.toSorted((a, b) => b.toUnixMs - a.toUnixMs)[0];
}

function signingKeyOf(pem: string, signers: ProvenLock['signers']): readonly SigningKey[] {
  let certificate: ReturnType<typeof readCertificate>;
  try {
    certificate = readCertificate(pem);
  } catch {
    return []; // A certificate that nobody can read made no key trusted.
  }
  const keyId = sha256Hex(certificate.spki);
  if (!signers.has(keyId)) return [];
  return [{ keyId, fromUnixMs: certificate.validFrom.getTime(), toUnixMs: certificate.validTo.getTime() }];
}
