import type { ManifestEntry } from '../lock.ts';
import { signedLeaves } from './chunks.ts';
import { hashPiece } from './hash.ts';
import { judgeChunk } from './judge.ts';
import { wholeOf } from './piece.ts';

/** Chunks of an artifact that can be checked one by one: none where an older lock lists none of several. */
export function chunksOf(entry: ManifestEntry): number {
  return signedLeaves(entry)?.length ?? 0;
}

/** Reads one chunk of an artifact as it is on disk now and proves it by the signed tree. Throws TrustError with the finding. */
export async function verifyChunk(root: string, entry: ManifestEntry, index: number): Promise<void> {
  const piece = { ...wholeOf(entry), first: index, count: 1, flat: false, tree: true };
  const { leaves: [leaf] = [] } = await hashPiece(root, piece);
  judgeChunk(entry, index, leaf ?? new Uint8Array());
}
