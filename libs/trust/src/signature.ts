import { createHmac, verify } from 'node:crypto';
import { hashes, sign as nobleSign, verify as nobleVerify } from '@noble/secp256k1';
import { sha256 } from './digest.ts';
import { TrustError } from './finding.ts';
import type { GuardedKey } from './spki.ts';

hashes.sha256 = (message) => new Uint8Array(sha256(message));
hashes.hmacSha256 = (key, message) => new Uint8Array(createHmac('sha256', key).update(message).digest());

const SIGNATURE_BYTES = 64;
const SCALAR_BYTES = 32;
/** Order of secp256k1 (SEC 2). */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** Signs a SHA-256 digest; gives r || s, 64 bytes, low-S. Sources (PEM, PKCS#11, KMS) implement it. */
export interface Signer {
  readonly spki: Uint8Array;
  sign(digest: Uint8Array): Promise<Uint8Array>;
}

/** Deterministic (RFC 6979) signature with a key in memory. */
export function signDigest(digest: Uint8Array, secretKey: Uint8Array): Uint8Array {
  return nobleSign(digest, secretKey, { prehash: false, lowS: true });
}

/** The one spelling: standard base64 of 64 bytes, padded. */
export function encodeSignature(signature: Uint8Array): string {
  return Buffer.from(signature).toString('base64');
}

/** Whoever reads it wonders what to do. */
const REMEDY = 'restore what was signed, or sign anew';

/** Throws SIGNATURE_MALFORMED or SIGNATURE_HIGH_S for all but the one spelling of an in-range, low-S signature. `what`: what it is on. */
export function decodeSignature(text: string, what = 'its object'): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== SIGNATURE_BYTES || bytes.toString('base64') !== text) {
    throw new TrustError(
      'SIGNATURE_MALFORMED',
      `the signature on ${what} is not 64 bytes, r and s, in standard base64 with padding: ${REMEDY}`,
    );
  }
  const [r, s] = [scalar(bytes.subarray(0, SCALAR_BYTES)), scalar(bytes.subarray(SCALAR_BYTES))];
  if (r === 0n || s === 0n || r >= ORDER || s >= ORDER)
    throw new TrustError('SIGNATURE_MALFORMED', `the signature on ${what} has r or s outside 1 to n - 1: ${REMEDY}`);
  if (s > ORDER / 2n)
    throw new TrustError(
      'SIGNATURE_HIGH_S',
      `the signature on ${what} has s in the upper half: whoever signed must normalise it to n - s; ${REMEDY}`,
    );
  return bytes;
}

/** Proves an ECDSA secp256k1 signature over SHA-256 of the message. Throws SIGNATURE_INVALID. */
export function verifySignature(message: Uint8Array, signature: string, { key, kind }: GuardedKey, what: string): void {
  if (kind !== 'secp256k1') throw new TrustError('KEY_WRONG_ALGORITHM', `${what} is signed by a ${kind} key; secp256k1 is due`);
  const bytes = decodeSignature(signature, what);
  if (!verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, bytes))
    throw new TrustError('SIGNATURE_INVALID', `the signature on ${what} does not hold: ${REMEDY}`);
}

/**
 * Proves a signature over a digest that has been computed already: node:crypto hashes by itself, so the reference implementation
 * does it. Throws SIGNATURE_INVALID.
 */
export function verifyDigestSignature(digest: Uint8Array, signature: string, { spki, kind }: GuardedKey, what: string): void {
  if (kind !== 'secp256k1') throw new TrustError('KEY_WRONG_ALGORITHM', `${what} is signed by a ${kind} key; secp256k1 is due`);
  const point = Buffer.concat([Buffer.of(4), spki.subarray(-2 * SCALAR_BYTES)]);
  if (!nobleVerify(decodeSignature(signature, what), digest, point, { prehash: false, lowS: true })) {
    throw new TrustError('SIGNATURE_INVALID', `the signature on ${what} does not hold: ${REMEDY}`);
  }
}

/** r || s from an HSM or KMS, made low-S: theirs is in the upper half every other time. */
export function normaliseLowS(signature: Uint8Array): Uint8Array {
  const s = scalar(signature.subarray(SCALAR_BYTES));
  if (s <= ORDER / 2n) return signature;
  return Buffer.concat([signature.subarray(0, SCALAR_BYTES), Buffer.from((ORDER - s).toString(16).padStart(64, '0'), 'hex')]);
}

/** r || s out of the DER that a KMS or HSM answers with. Strict: one encoding of two positive integers. Throws SIGNATURE_MALFORMED. */
export function parseDerSignature(der: Uint8Array): Uint8Array {
  const [r, afterR] = derInteger(der, 2);
  const [s, end] = derInteger(der, afterR);
  const bytes = Buffer.concat([r, s]);
  // Whatever was read loosely above is not what it is written as.
  if (end !== der.length || !Buffer.from(derOf(bytes)).equals(der))
    throw new TrustError('SIGNATURE_MALFORMED', 'the signature is not DER of two integers');
  return bytes;
}

function derInteger(der: Uint8Array, at: number): readonly [Uint8Array, number] {
  const end = at + 2 + (der[at + 1] ?? 0);
  const digits = Buffer.from(der.subarray(at + 2, end))
    .toString('hex')
    .replace(/^0+/, '');
  if (end > der.length || digits.length > 2 * SCALAR_BYTES)
    throw new TrustError('SIGNATURE_MALFORMED', 'the signature is cut short, or its integers are too long');
  return [Buffer.from(digits.padStart(2 * SCALAR_BYTES, '0'), 'hex'), end];
}

/** DER of r || s, for OpenSSL. */
export function derOf(signature: Uint8Array): Uint8Array {
  const integer = (bytes: Uint8Array) => {
    let start = 0;
    while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
    const body = bytes.subarray(start);
    const padded = (body[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), body]) : body;
    return Buffer.concat([Buffer.of(0x02, padded.length), padded]);
  };
  const body = Buffer.concat([integer(signature.subarray(0, SCALAR_BYTES)), integer(signature.subarray(SCALAR_BYTES))]);
  return Buffer.concat([Buffer.of(0x30, body.length), body]);
}

function scalar(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`);
}
