import canonicalize from 'canonicalize';

/** RFC 8785 (JCS) bytes of a JSON value. Throws on what JSON cannot say exactly: NaN, infinities, lone surrogates, undefined. */
export function canonicalBytes(value: unknown): Uint8Array {
  assertJson(value);
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('the value has no JSON form');
  return Buffer.from(text, 'utf8');
}

/** `canonicalize` drops what is undefined without a word; here nothing may be dropped. */
function assertJson(value: unknown): void {
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint') {
    throw new TypeError(`${typeof value} has no JSON form`);
  }
  if (typeof value === 'string' && !value.isWellFormed()) throw new TypeError('a string holds a lone surrogate');
  if (typeof value === 'object' && value !== null) for (const each of Object.values(value)) assertJson(each);
}
