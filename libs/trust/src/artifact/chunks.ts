import { type ChunkRange, finding, TrustError } from '../finding.ts';
import type { ManifestEntry } from '../lock.ts';
import { CHUNK_BYTES, chunksIn, treeRoot } from './tree.ts';

/** Chunks that a finding names: 4 GiB of them. Whoever changes more has changed the file. */
const CHUNKS_NAMED_MAX = 1_024;
/** Ranges in a message; the finding's own list has more. */
const RANGES_TOLD_MAX = 3;

/**
 * Leaf hashes of an artifact's chunks, as signed: those that its entry lists, or the root itself where there is one chunk. undefined for
 * an entry of several chunks without a list: it was signed before there were any.
 */
export function signedLeaves({ size, tree, chunks }: ManifestEntry): readonly string[] | undefined {
  if (chunks !== undefined) return chunks;
  const count = chunksIn(size);
  if (count === 0) return [];
  return count === 1 ? [tree] : undefined;
}

/** Throws TREE_MISMATCH where an entry's list of chunks is not what its own tree is made of. */
export function assertChunks(manifest: readonly ManifestEntry[]): void {
  TrustError.throwIf(
    manifest.flatMap(({ id, path, size, tree, chunks }) => {
      if (chunks === undefined) return [];
      const root = treeRoot(chunks.map((leaf) => Buffer.from(leaf, 'hex'))).toString('hex');
      if (chunks.length === chunksIn(size) && root === tree) return [];
      const what = `artifact ${id} (${path}) lists chunks that are not those of its tree: the lock contradicts itself, sign it anew`;
      return [finding('TREE_MISMATCH', what, id)];
    }),
  );
}

/** Which chunks differ from what was signed. undefined where that is not known. */
export function differingChunks(entry: ManifestEntry, leaves: readonly Buffer[] | undefined): readonly ChunkRange[] | undefined {
  const signed = signedLeaves(entry);
  if (signed === undefined) return undefined;
  // Of a single chunk the flat digest alone may have been taken: it is that chunk.
  const differing = leaves === undefined ? signed.map((_, index) => index) : indexesOf(signed, leaves);
  return differing.map((index) => chunkRange(entry, index));
}

function indexesOf(signed: readonly string[], leaves: readonly Buffer[]): readonly number[] {
  return signed.flatMap((leaf, index) => (leaves[index]?.toString('hex') === leaf ? [] : [index]));
}

export function chunkRange({ size }: Pick<ManifestEntry, 'size'>, index: number): ChunkRange {
  return { index, fromByte: index * CHUNK_BYTES, toByte: Math.min(size, (index + 1) * CHUNK_BYTES) };
}

/** For a finding: its list, bounded, and the words. Nothing where the place is not known. */
export function locate(entry: ManifestEntry, differing: readonly ChunkRange[] | undefined) {
  if (differing === undefined || differing.length === 0) return { words: '', chunks: undefined };
  const told = differing
    .slice(0, RANGES_TOLD_MAX)
    .map(({ index, fromByte, toByte }) => `${index} (bytes ${fromByte} to ${toByte - 1})`);
  const more = differing.length > RANGES_TOLD_MAX ? `, and ${differing.length - RANGES_TOLD_MAX} more` : '';
  const words = ` in ${differing.length} of its ${chunksIn(entry.size)} chunks of ${CHUNK_BYTES} bytes: ${told.join(', ')}${more}`;
  return { words, chunks: differing.slice(0, CHUNKS_NAMED_MAX) };
}
