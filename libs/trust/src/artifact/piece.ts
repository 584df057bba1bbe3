import type { ManifestEntry } from '../lock.ts';
import { hashArtifact, hashChunks, hashFlat, type HashOptions } from './hash.ts';
import { CHUNK_BYTES } from './tree.ts';

/** Artifacts above are proven by their chunk tree, which all cores work on; smaller ones by their flat digest, one core each. */
const TREE_FROM_BYTES = 16 * 1024 * 1024;
/** Chunks of one piece: 64 MiB, so that threads end together and opening costs nothing beside reading. */
const PIECE_CHUNKS = 16;

/** What one thread does at a time. */
export type Piece =
  | { readonly kind: 'flat' | 'both'; readonly entry: ManifestEntry }
  | { readonly kind: 'chunks'; readonly entry: ManifestEntry; readonly first: number; readonly count: number };

export type HashedPiece =
  | { readonly kind: 'flat'; readonly sha256: Uint8Array }
  | { readonly kind: 'both'; readonly sha256: Uint8Array; readonly tree: Uint8Array }
  | { readonly kind: 'chunks'; readonly first: number; readonly leaves: readonly Uint8Array[]; readonly state: string };

/** How an artifact is divided. `both`: flat digest and tree, whatever it costs. */
export function* piecesOf(entry: ManifestEntry, { both }: { readonly both: boolean }): Iterable<Piece> {
  if (both || entry.size <= TREE_FROM_BYTES) {
    yield { kind: both ? 'both' : 'flat', entry };
    return;
  }
  const chunks = Math.ceil(entry.size / CHUNK_BYTES);
  for (let first = 0; first < chunks; first += PIECE_CHUNKS)
    yield { kind: 'chunks', entry, first, count: Math.min(PIECE_CHUNKS, chunks - first) };
}

/** Throws TrustError with the finding. */
export async function hashPiece(root: string, piece: Piece, options: HashOptions): Promise<HashedPiece> {
  switch (piece.kind) {
    case 'flat':
      return { kind: 'flat', sha256: await hashFlat(root, piece.entry, options) };
    case 'both':
      return { kind: 'both', ...(await hashArtifact(root, piece.entry, options)) };
    case 'chunks':
      return { kind: 'chunks', first: piece.first, ...(await hashChunks(root, piece.entry, piece, options)) };
  }
}
