import { LogFault } from './fault.ts';
import { HASH_BYTES } from './hash.ts';
import { TILE_WIDTH } from './tile.ts';

/** A bundle gives each entry's length in 16 bits. */
export const ENTRY_BYTES_MAX = 65_535;

const LENGTH_BYTES = 2;

/** An entry bundle: each entry after its length, big-endian (https://c2sp.org/tlog-tiles, log entries). */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    entries.flatMap((entry) => {
      if (entry.byteLength > ENTRY_BYTES_MAX)
        throw new RangeError(`an entry of ${entry.byteLength} bytes; ${ENTRY_BYTES_MAX} at most`);
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt16BE(entry.byteLength);
      return [length, entry];
    }),
  );
}

/** The entries of a bundle. Throws BUNDLE_MALFORMED where its bytes end within an entry, or hold more than 256. */
export function decodeBundle(bytes: Uint8Array, where: string): readonly Uint8Array[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Uint8Array[] = [];
  for (let at = 0; at < view.length; ) {
    const start = at + LENGTH_BYTES;
    const end = start + (start <= view.length ? view.readUInt16BE(at) : 0);
    if (start > view.length || end > view.length)
      throw new LogFault('BUNDLE_MALFORMED', where, `${where} ends within its entry ${entries.length}, at byte ${view.length}`);
    entries.push(view.subarray(start, end));
    at = end;
  }
  if (entries.length > TILE_WIDTH)
    throw new LogFault('BUNDLE_MALFORMED', where, `${where} holds ${entries.length} entries; ${TILE_WIDTH} at most`);
  return entries;
}

/** The hashes of a tile. Throws TILE_MALFORMED where its length is not that of so many. */
export function decodeTile(bytes: Uint8Array, width: number, where: string): readonly Uint8Array[] {
  if (bytes.byteLength !== width * HASH_BYTES)
    throw new LogFault('TILE_MALFORMED', where, `${where} has ${bytes.byteLength} bytes; ${width * HASH_BYTES} are due`);
  return Array.from({ length: width }, (_, at) => bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES));
}
