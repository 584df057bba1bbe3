/**
 * The bytes of a standard base64 text (RFC 4648, section 4) in its one canonical spelling; undefined for every other text. Spellings
 * that differ in unused bits alone would let a file be changed without its proof noticing.
 */
export function fromBase64(text: string | undefined): Buffer | undefined {
  const bytes = Buffer.from(text ?? '', 'base64');
  return text !== undefined && bytes.toString('base64') === text ? bytes : undefined;
}
