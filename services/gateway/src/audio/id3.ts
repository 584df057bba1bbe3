/** https://id3.org/id3v2.4.0-structure, 3.1: "ID3", two bytes of version, flags, and a size of four times seven bits. */
const HEADER_BYTES = 10;
const FOOTER_BYTES = 10;
const HAS_FOOTER = 0x10;
const NAME = 'ID3';

/**
 * The body without the ID3v2 tags before its audio. They belong before MP3, but taggers put them before FLAC and WAV as well, and what the
 * audio is can be told behind them alone. A tag is thrown away as it comes, whatever its size.
 */
export async function* withoutTags(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let held: Buffer = Buffer.alloc(0);
  let skipBytes = 0;
  let decided = false;
  for await (const part of body) {
    if (decided) {
      yield part;
      continue;
    }
    const skipped = Math.min(skipBytes, part.byteLength);
    skipBytes -= skipped;
    held = Buffer.concat([held, part.subarray(skipped)]);
    for (let tag = tagBytes(held); tag > 0 && skipBytes === 0; tag = tagBytes(held)) {
      skipBytes = Math.max(0, tag - held.length);
      held = held.subarray(tag);
    }
    decided = skipBytes === 0 && !mayBecomeTag(held);
    if (!decided) continue;
    yield held;
  }
  if (!decided && held.length > 0) yield held;
}

/** The size of the tag that these bytes begin with, its header and footer included; 0: none. */
function tagBytes(bytes: Buffer): number {
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, NAME.length) !== NAME) return 0;
  const size = bytes.subarray(HEADER_BYTES - 4, HEADER_BYTES);
  if (size.some((byte) => byte > 0x7f)) return 0;
  const footer = ((bytes[5] ?? 0) & HAS_FOOTER) === 0 ? 0 : FOOTER_BYTES;
  return HEADER_BYTES + size.reduce((sum, byte) => sum * 0x80 + byte, 0) + footer;
}

/** Too short to tell. */
function mayBecomeTag(bytes: Buffer): boolean {
  return bytes.length < HEADER_BYTES && NAME.startsWith(bytes.toString('latin1', 0, NAME.length));
}
