import { LogFault } from './fault.ts';
import { EMPTY_ROOT, HASH_BYTES, nodeHash, sameHash } from './hash.ts';

// Verification as RFC 9162 writes it, 2.1.3.2 and 2.1.4.2. Sizes are bigints: proofs come from outside, and their numbers are 64 bits
// wide there. Everything given to these functions may be an attacker's, but the root that is trusted.

export interface InclusionClaim {
  readonly index: bigint;
  readonly size: bigint;
  readonly leafHash: Uint8Array;
  readonly root: Uint8Array;
  /** From the leaf's sibling upwards. */
  readonly proof: readonly Uint8Array[];
}

/** Proves that a leaf stands at an index of the tree with that root, or throws PROOF_INVALID. */
export function verifyInclusion({ index, size, leafHash, root, proof }: InclusionClaim): void {
  if (index < 0n || index >= size) throw invalid(`index ${index} is not within a tree of ${size} leaves`);
  requireHashes([leafHash, root, ...proof]);
  let position = index;
  let last = size - 1n;
  let hash = leafHash;
  for (const sibling of proof) {
    if (last === 0n) throw invalid('the proof is longer than the path to the root');
    if ((position & 1n) === 1n || position === last) {
      hash = nodeHash(sibling, hash);
      // At the right edge, levels without a sibling have no hash in the proof.
      for (; (position & 1n) === 0n; position >>= 1n) last >>= 1n;
    } else {
      hash = nodeHash(hash, sibling);
    }
    position >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) throw invalid('the proof is shorter than the path to the root');
  if (!sameHash(hash, root)) throw invalid('the path from the leaf leads to another root');
}

export interface ConsistencyClaim {
  readonly size1: bigint;
  readonly size2: bigint;
  readonly root1: Uint8Array;
  readonly root2: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/**
 * Proves that the tree of `size2` begins with the tree of `size1`, or throws PROOF_INVALID. Nothing can be said about an empty tree,
 * so a `size1` of 0 is refused (as is every nonsense that RFC 9162 leaves open).
 */
export function verifyConsistency({ size1, size2, root1, root2, proof }: ConsistencyClaim): void {
  if (size1 <= 0n) throw invalid('the older tree is empty: every tree begins with it, and that proves nothing');
  if (size2 < size1) throw invalid(`the newer tree has ${size2} leaves, the older ${size1}`);
  if (size1 === size2) {
    if (proof.length > 0) throw invalid('two trees of one size need no proof');
    if (!sameHash(root1, root2)) throw invalid('two trees of one size have different roots');
    return;
  }
  requireHashes([root1, root2, ...proof]);
  const [first, ...rest] = isPowerOfTwo(size1) ? [root1, ...proof] : proof;
  if (first === undefined) throw invalid('the proof is empty');
  const roots = walkConsistency(size1 - 1n, size2 - 1n, first, rest);
  if (!sameHash(roots.older, root1)) throw invalid('the proof leads to another older root');
  if (!sameHash(roots.newer, root2)) throw invalid('the proof leads to another newer root');
}

function walkConsistency(lastOlder: bigint, lastNewer: bigint, first: Uint8Array, rest: readonly Uint8Array[]) {
  let fn = lastOlder;
  let sn = lastNewer;
  for (; (fn & 1n) === 1n; fn >>= 1n) sn >>= 1n;
  let older = first;
  let newer = first;
  for (const hash of rest) {
    if (sn === 0n) throw invalid('the proof is longer than the path to the root');
    if ((fn & 1n) === 1n || fn === sn) {
      older = nodeHash(hash, older);
      newer = nodeHash(hash, newer);
      for (; (fn & 1n) === 0n && fn !== 0n; fn >>= 1n) sn >>= 1n;
    } else {
      newer = nodeHash(newer, hash);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  if (sn !== 0n) throw invalid('the proof is shorter than the path to the root');
  return { older, newer };
}

/** The root that a tree without leaves must have. */
export function isEmptyRoot(root: Uint8Array): boolean {
  return sameHash(root, EMPTY_ROOT);
}

function isPowerOfTwo(value: bigint): boolean {
  return (value & (value - 1n)) === 0n;
}

function requireHashes(hashes: readonly Uint8Array[]): void {
  const wrong = hashes.find(({ byteLength }) => byteLength !== HASH_BYTES);
  if (wrong) throw invalid(`a hash has ${wrong.byteLength} bytes instead of ${HASH_BYTES}`);
}

function invalid(message: string): LogFault {
  return new LogFault('PROOF_INVALID', 'proof', message);
}
