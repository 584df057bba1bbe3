import { type ChunkRange, type Finding, finding, TrustError } from '../finding.ts';
import type { ManifestEntry } from '../lock.ts';
import { chunkRange, differingChunks, locate, signedLeaves } from './chunks.ts';
import type { Gathered } from './gather.ts';
import { refuse } from './open.ts';
import { treeRoot } from './tree.ts';

export interface ArtifactOutcome {
  readonly id: string;
  readonly path: string;
  readonly state: 'verified' | 'refused' | 'missing';
  /** SHA-256 of what was read, proven by the flat digest or by the signed tree; undefined when it is not what was signed. */
  readonly sha256: Buffer | undefined;
}

/** One artifact's outcome: what it hashed to, held against what was signed. */
export function judge(
  entry: ManifestEntry,
  gathered: Gathered | TrustError,
): { readonly outcome: ArtifactOutcome; readonly findings: readonly Finding[] } {
  const { id, path } = entry;
  const refusal = gathered instanceof TrustError ? gathered : refusalOf(entry, gathered);
  if (refusal === undefined)
    return { outcome: { id, path, state: 'verified', sha256: Buffer.from(entry.sha256, 'hex') }, findings: [] };
  const state = refusal.code === 'ARTIFACT_MISSING' ? 'missing' : 'refused';
  return { outcome: { id, path, state, sha256: undefined }, findings: refusal.findings };
}

function refusalOf(entry: ManifestEntry, { sha256, leaves }: Gathered): TrustError | undefined {
  const flatDiffers = sha256 !== undefined && sha256.toString('hex') !== entry.sha256;
  const treeDiffers = leaves !== undefined && treeRoot(leaves).toString('hex') !== entry.tree;
  if (!flatDiffers && !treeDiffers) return undefined;
  if (sha256 !== undefined && leaves !== undefined && flatDiffers !== treeDiffers)
    return refuse(
      'TREE_MISMATCH',
      entry,
      'matches its digest or its tree, but not both: the lock contradicts itself, sign it anew',
    );
  return mismatch(entry, differingChunks(entry, leaves));
}

/** Throws DIGEST_MISMATCH where a chunk's leaf hash is not the signed one. */
export function judgeChunk(entry: ManifestEntry, index: number, leaf: Uint8Array): void {
  if (Buffer.from(leaf).toString('hex') !== signedLeaves(entry)?.[index]) throw mismatch(entry, [chunkRange(entry, index)]);
}

function mismatch(entry: ManifestEntry, differing: readonly ChunkRange[] | undefined): TrustError {
  const { id, path } = entry;
  const { words, chunks } = locate(entry, differing);
  const message = `artifact ${id} (${path}) does not match the lock${words}: restore the file, or sign the new one`;
  const found = finding('DIGEST_MISMATCH', message, id);
  return new TrustError(found.code, message, undefined, [chunks === undefined ? found : { ...found, chunks }]);
}
