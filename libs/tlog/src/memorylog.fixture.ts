import { createHash, generateKeyPairSync } from 'node:crypto';
import { encodeBundle } from './bundle.ts';
import { signCheckpoint } from './checkpoint.ts';
import { leafHash } from './hash.ts';
import { noteKey } from './note.ts';
import type { LogFiles } from './store.ts';
import { newTiles, TILE_WIDTH, tilePath } from './tile.ts';

/** A log in memory, written in the plainest way there is: every hash is computed anew from the entries. */
export function memoryLog(entries: readonly Uint8Array[], origin = 'example.com/log') {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key = noteKey(origin, publicKey);
  const files = new Map<string, Uint8Array>();
  const sign = (size: number, of: readonly Uint8Array[] = entries) =>
    signCheckpoint({ size, root: treeHash(of.slice(0, size)) }, key, privateKey);
  for (const tile of newTiles(0, entries.length)) files.set(tilePath(tile), tileBytes(entries, tile));
  files.set('checkpoint', Buffer.from(sign(entries.length).note));
  const reader: LogFiles = { read: async (path) => files.get(path) };
  return { key, files, reader, sign };
}

/** The definition of RFC 6962, 2.1, as it stands there. */
export function treeHash(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length === 0) return sha256(Buffer.of());
  if (entries.length === 1) return sha256(Buffer.of(0), entries[0] as Uint8Array);
  let split = 1;
  while (split * 2 < entries.length) split *= 2;
  return sha256(Buffer.of(1), treeHash(entries.slice(0, split)), treeHash(entries.slice(split)));
}

/** So many different entries. */
export function someEntries(count: number): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, at) => Buffer.from(`entry ${at}`));
}

function tileBytes(entries: readonly Uint8Array[], { level, index, width }: ReturnType<typeof newTiles>[number]): Uint8Array {
  const own = (at: number) => index * TILE_WIDTH + at;
  const places = Array.from({ length: width }, (_, at) => own(at));
  if (level === 'entries') return encodeBundle(places.map((at) => entries[at] as Uint8Array));
  if (level === 0) return Buffer.concat(places.map((at) => leafHash(entries[at] as Uint8Array)));
  const span = TILE_WIDTH ** level;
  return Buffer.concat(places.map((at) => treeHash(entries.slice(at * span, (at + 1) * span))));
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return createHash('sha256').update(Buffer.concat(parts)).digest();
}
