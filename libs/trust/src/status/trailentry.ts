import { type KeyObject, sign, verify } from 'node:crypto';
import { TrustError } from '../finding.ts';
import { pae } from '../pae.ts';
import { payloadType } from './envelope.ts';

/** An Ed25519 signature of 64 bytes in base64. */
const SIGNATURE_CHARS = 88;
const BEFORE = ',"signature":"';
const AFTER = '"}';
const TAIL_CHARS = BEFORE.length + SIGNATURE_CHARS + AFTER.length;

/** Signs an audit entry (the JSON text of an object): its last member becomes `signature`, over all that stands before it. */
export function signTrailEntry(text: string, privateKey: KeyObject): string {
  const signature = sign(null, signed(Buffer.from(text)), privateKey).toString('base64');
  return `${text.slice(0, -1)}${BEFORE}${signature}${AFTER}`;
}

/** The entry without its signature; undefined for one that has none in the one place and form that is read. */
export function unsignedEntry(bytes: Uint8Array): { readonly text: Buffer; readonly signature: Buffer } | undefined {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tail = whole.subarray(-TAIL_CHARS).toString('latin1');
  if (whole.length <= TAIL_CHARS || !tail.startsWith(BEFORE) || !tail.endsWith(AFTER)) return undefined;
  const base64 = tail.slice(BEFORE.length, -AFTER.length);
  const signature = Buffer.from(base64, 'base64');
  // One spelling: other bytes with the same meaning would be another entry.
  if (signature.toString('base64') !== base64) return undefined;
  return { text: Buffer.concat([whole.subarray(0, -TAIL_CHARS), Buffer.from('}')]), signature };
}

/** Proves that this key has signed these bytes. Throws SIGNATURE_MISSING or SIGNATURE_INVALID. */
export function verifyTrailEntry(bytes: Uint8Array, publicKey: KeyObject): void {
  const entry = unsignedEntry(bytes);
  if (!entry) throw new TrustError('SIGNATURE_MISSING', 'the entry is not signed by its producer');
  if (!verify(null, signed(entry.text), publicKey, entry.signature))
    throw new TrustError('SIGNATURE_INVALID', 'the entry was not signed so by its producer');
}

function signed(text: Uint8Array): Buffer {
  return Buffer.from(pae(payloadType('audit-entry'), text));
}
