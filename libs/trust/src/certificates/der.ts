import { TrustError } from '../finding.ts';

const SEQUENCE = 0x30;
const BIT_STRING = 0x03;

/** Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, BIT STRING }: the two parts that a signature check needs, as they stand. */
export function partsOf(der: Uint8Array): { readonly tbs: Uint8Array; readonly signature: Uint8Array } {
  const outer = element(der, 0, SEQUENCE);
  const tbs = element(der, outer.body, SEQUENCE);
  const algorithm = element(der, tbs.end, SEQUENCE);
  const bits = element(der, algorithm.end, BIT_STRING);
  if (outer.end !== der.length || bits.end !== outer.end)
    throw new TrustError('KEY_MALFORMED', 'a certificate of the chain holds more than a certificate');
  // A bit string begins with the number of unused bits, none here.
  return { tbs: der.subarray(outer.body, tbs.end), signature: der.subarray(bits.body + 1, bits.end) };
}

/** One DER element. Indefinite lengths are BER, and another parser might read them otherwise. */
function element(der: Uint8Array, at: number, tag: number): { readonly body: number; readonly end: number } {
  const first = der[at + 1] ?? 0x80;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  const length =
    lengthBytes === 0 ? first : Number(`0x${Buffer.from(der.subarray(at + 2, at + 2 + lengthBytes)).toString('hex') || '0'}`);
  const body = at + 2 + lengthBytes;
  if (der[at] !== tag || first === 0x80 || lengthBytes > 4 || body + length > der.length)
    throw new TrustError('KEY_MALFORMED', 'a certificate of the chain is not DER, or is cut short');
  return { body, end: body + length };
}
