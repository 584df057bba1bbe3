import { sign, verify } from 'node:crypto';
import { TrustError } from '../finding.ts';
import { pae } from '../pae.ts';
import { type MessageKind, payloadType, type RoleIdentity, type RoleKey } from './envelope.ts';

/** Signs bytes that travel beside their signature, where an envelope with its certificates would be far larger than what it holds. */
export function signDetached(kind: MessageKind, body: Uint8Array, identity: RoleIdentity): string {
  return sign(null, pae(payloadType(kind), body), identity.privateKey).toString('base64');
}

/** Proves such a signature (base64) by a key whose role has been proven. Throws a TrustError. */
export function verifyDetached(kind: MessageKind, body: Uint8Array, signature: string, key: RoleKey): void {
  if (!verify(null, pae(payloadType(kind), body), key.publicKey, Buffer.from(signature, 'base64')))
    throw new TrustError('SIGNATURE_INVALID', `the ${kind} has a signature that does not hold`);
}
