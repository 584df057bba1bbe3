import { createPublicKey, type KeyObject } from 'node:crypto';
import { Point } from '@noble/secp256k1';
import { sha256Hex } from './digest.ts';
import { TrustError } from './finding.ts';

// Keys are compared byte for byte with the one encoding that is accepted, before node:crypto sees them: on untrusted input its parser
// can abort the process (a point at infinity), or take explicit curve parameters that make forged signatures valid.

export type KeyKind = 'secp256k1' | 'p256' | 'ed25519';

/** What stands before the key's own bytes: RFC 5480 with named curves and uncompressed points, RFC 8410. */
const PREFIX: Readonly<Record<KeyKind, string>> = {
  secp256k1: '3056301006072a8648ce3d020106052b8104000a03420004',
  p256: '3059301306072a8648ce3d020106082a8648ce3d03010703420004',
  ed25519: '302a300506032b6570032100',
};
const LENGTH: Readonly<Record<KeyKind, number>> = { secp256k1: 88, p256: 91, ed25519: 44 };
const POINT_BYTES = 64;

/** A public key whose encoding has been proven to be the one that is accepted. */
export interface GuardedKey {
  readonly kind: KeyKind;
  /** SHA-256 of the SPKI, hex: the key's only name. */
  readonly keyId: string;
  readonly spki: Uint8Array;
  readonly key: KeyObject;
}

/** Takes an SPKI of that kind and no other. Throws KEY_WRONG_ALGORITHM or KEY_MALFORMED. */
export function guardKey(spki: Uint8Array, kind: KeyKind): GuardedKey {
  const prefix = Buffer.from(PREFIX[kind], 'hex');
  if (spki.byteLength !== LENGTH[kind] || !Buffer.from(spki.subarray(0, prefix.length)).equals(prefix)) {
    throw new TrustError(
      'KEY_WRONG_ALGORITHM',
      `the key is no ${kind} key in the one accepted encoding (named curve, uncompressed point)`,
    );
  }
  if (kind === 'secp256k1') assertOnCurve(spki);
  try {
    return { kind, keyId: sha256Hex(spki), spki, key: createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }) };
  } catch (cause) {
    throw new TrustError('KEY_MALFORMED', `the ${kind} key is not a point of its curve`, cause);
  }
}

function assertOnCurve(spki: Uint8Array): void {
  try {
    const point = Buffer.concat([Buffer.of(4), spki.subarray(spki.byteLength - POINT_BYTES)]);
    Point.fromBytes(point).assertValidity();
  } catch (cause) {
    throw new TrustError('KEY_MALFORMED', 'the secp256k1 key is not a point of its curve', cause);
  }
}

/** Which of the accepted kinds an SPKI is; undefined for any other key. */
export function kindOf(spki: Uint8Array): KeyKind | undefined {
  return (Object.keys(PREFIX) as KeyKind[]).find(
    (kind) => Buffer.from(spki).toString('hex').startsWith(PREFIX[kind]) && spki.byteLength === LENGTH[kind],
  );
}
