import { createHash, type Hash } from 'node:crypto';

/** Chunks of the tree: large enough that hashing chunks costs no more than hashing the file, small enough to spread over cores. */
export const CHUNK_BYTES = 4 * 1024 * 1024;

/** Chunks of an artifact of so many bytes; none of an empty one. */
export function chunksIn(size: number): number {
  return Math.ceil(size / CHUNK_BYTES);
}

const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);

/** Begins the hash of one chunk: RFC 6962 leaf hash. */
function leafHash(): Hash {
  return createHash('sha256').update(LEAF);
}

/** Root over leaf hashes: RFC 6962, section 2.1. An empty file has the hash of nothing. */
export function treeRoot(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return createHash('sha256').digest();
  let level = leaves;
  while (level.length > 1) {
    const next: Buffer[] = [];
    for (let at = 0; at < level.length; at += 2) next.push(pair(level[at] as Buffer, level[at + 1]));
    level = next;
  }
  return level[0] as Buffer;
}

/** A node without a sibling goes up as it is: for left-complete trees that is the same as splitting at the largest power of two. */
function pair(left: Buffer, right: Buffer | undefined): Buffer {
  return right === undefined ? left : createHash('sha256').update(NODE).update(left).update(right).digest();
}

/** Flat SHA-256 and leaf hashes of a stream of buffers, in one pass; what is not asked for costs nothing. */
export class ArtifactHash {
  readonly #flat: Hash | undefined;
  readonly #tree: boolean;
  readonly #leaves: Buffer[] = [];
  #leaf = leafHash();
  #inLeaf = 0;

  constructor({ flat = true, tree = true }: { readonly flat?: boolean; readonly tree?: boolean } = {}) {
    this.#flat = flat ? createHash('sha256') : undefined;
    this.#tree = tree;
  }

  update(bytes: Uint8Array): void {
    this.#flat?.update(bytes);
    if (this.#tree) this.#updateLeaves(bytes);
  }

  /** Once, at the end. */
  sha256(): Buffer {
    if (this.#flat === undefined) throw new TypeError('made without the flat digest');
    return this.#flat.digest();
  }

  /** Hashes of all chunks, the last one as long as it is. */
  leaves(): readonly Buffer[] {
    if (this.#inLeaf > 0) this.#endLeaf();
    return this.#leaves;
  }

  #updateLeaves(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength; ) {
      const take = Math.min(CHUNK_BYTES - this.#inLeaf, bytes.byteLength - at);
      this.#leaf.update(bytes.subarray(at, at + take));
      this.#inLeaf += take;
      at += take;
      if (this.#inLeaf === CHUNK_BYTES) this.#endLeaf();
    }
  }

  #endLeaf(): void {
    this.#leaves.push(this.#leaf.digest());
    this.#leaf = leafHash();
    this.#inLeaf = 0;
  }
}
