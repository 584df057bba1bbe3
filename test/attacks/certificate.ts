import { createHash, createPrivateKey, sign } from 'node:crypto';

// Certificates that our own issuer refuses to make: an attacker's issuer would not.

/** One DER element, its header included. */
function elements(der: Uint8Array): readonly Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < der.length; ) {
    const first = der[at + 1] ?? 0;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    const length =
      lengthBytes === 0 ? first : Number(`0x${Buffer.from(der.subarray(at + 2, at + 2 + lengthBytes)).toString('hex')}`);
    const end = at + 2 + lengthBytes + length;
    found.push(Buffer.from(der.subarray(at, end)));
    at = end;
  }
  return found;
}

function inside(element: Uint8Array): Uint8Array {
  const first = element[1] ?? 0;
  return element.subarray(2 + (first < 0x80 ? 0 : first & 0x7f));
}

function wrapped(tag: number, parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const digits = body.length.toString(16);
  const length =
    body.length < 0x80 ? Buffer.of(body.length) : Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex');
  return Buffer.concat([
    Buffer.of(tag),
    body.length < 0x80 ? length : Buffer.concat([Buffer.of(0x80 | length.length), length]),
    body,
  ]);
}

const SPKI_PLACE = 6;

/** A certificate like this one, for another key, signed by the same authority. */
export function certificateFor(spki: Uint8Array, like: string, authorityKey: string): string {
  const der = Buffer.from(like.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const [tbs = Buffer.of(), algorithm = Buffer.of()] = elements(inside(der));
  const fields = [...elements(inside(tbs))];
  fields[SPKI_PLACE] = Buffer.from(spki);
  const changed = wrapped(0x30, fields);
  const signature = sign('sha256', changed, createPrivateKey(authorityKey));
  const certificate = wrapped(0x30, [changed, algorithm, wrapped(0x03, [Buffer.of(0), signature])]);
  return `-----BEGIN CERTIFICATE-----\n${certificate
    .toString('base64')
    .match(/.{1,64}/g)
    ?.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** SubjectPublicKeyInfo of secp256k1 with whatever stands for the point. */
export function spkiWithPoint(point: Uint8Array): Buffer {
  const algorithm = Buffer.from('301006072a8648ce3d020106052b8104000a', 'hex');
  return wrapped(0x30, [algorithm, wrapped(0x03, [Buffer.of(0), point])]);
}

export function keyIdOf(spki: Uint8Array): string {
  return createHash('sha256').update(spki).digest('hex');
}
