import { EMPTY_ROOT, leafHash, nodeHash } from './hash.ts';

/** A tree may have so many leaves: whole numbers stay exact in JSON and in this code. */
export const TREE_SIZE_MAX = Number.MAX_SAFE_INTEGER;

/**
 * Hashes of complete subtrees: level 0 is a leaf, and a node of level `l` at `index` covers the leaves from `index * 2^l` on. Rejects
 * when the log does not hold the node.
 */
export interface Nodes {
  node(level: number, index: number): Promise<Uint8Array>;
}

interface Subtree {
  readonly level: number;
  readonly index: number;
}

/** The complete subtrees that cover leaves `from` up to `to` (exclusive), from left to right. `from` must start its largest one. */
export function subtreesOf(from: number, to: number): readonly Subtree[] {
  const parts: Subtree[] = [];
  for (let at = from; at < to; ) {
    let level = 0;
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= to) level += 1;
    parts.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return parts;
}

/** Merkle tree hash of the leaves `from` to `to`, where the range is one that RFC 6962 splits into. */
async function rangeHash(from: number, to: number, nodes: Nodes): Promise<Uint8Array> {
  const hashes = await Promise.all(subtreesOf(from, to).map(({ level, index }) => nodes.node(level, index)));
  return fold(hashes);
}

/** Root of the first `size` leaves. */
export async function rootOf(size: number, nodes: Nodes): Promise<Uint8Array> {
  return size === 0 ? EMPTY_ROOT : rangeHash(0, size, nodes);
}

/** RFC 6962, 2.1.1: the audit path of a leaf, from its sibling upwards. `index` is below `size`. */
export async function proveInclusion(index: number, size: number, nodes: Nodes): Promise<readonly Uint8Array[]> {
  return Promise.all(siblings(index, 0, size).map(([from, to]) => rangeHash(from, to, nodes)));
}

function siblings(index: number, from: number, to: number): readonly (readonly [number, number])[] {
  if (to - from <= 1) return [];
  const middle = from + splitOf(to - from);
  return index < middle ? [...siblings(index, from, middle), [middle, to]] : [...siblings(index, middle, to), [from, middle]];
}

/** RFC 6962, 2.1.2: that the first `size2` leaves begin with the first `size1`. Empty for equal sizes and for an empty older tree. */
export async function proveConsistency(size1: number, size2: number, nodes: Nodes): Promise<readonly Uint8Array[]> {
  if (size1 === 0 || size1 === size2) return [];
  return Promise.all(bridges(size1, 0, size2, true).map(([from, to]) => rangeHash(from, to, nodes)));
}

function bridges(size1: number, from: number, to: number, whole: boolean): readonly (readonly [number, number])[] {
  if (size1 === to) return whole ? [] : [[from, to]];
  const middle = from + splitOf(to - from);
  return size1 <= middle
    ? [...bridges(size1, from, middle, whole), [middle, to]]
    : [...bridges(size1, middle, to, false), [from, middle]];
}

/** The largest power of two below `count`: where RFC 6962 splits a tree. */
function splitOf(count: number): number {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
}

/** Joins the subtrees of a tree's right edge, the smallest first. */
function fold(hashes: readonly Uint8Array[]): Uint8Array {
  return hashes.reduceRight((right, left) => nodeHash(left, right));
}

/** The right edge of a growing tree: all that is needed to append. */
export class Edge {
  readonly #hashes: Uint8Array[];
  #size: number;

  private constructor(size: number, hashes: readonly Uint8Array[]) {
    this.#size = size;
    this.#hashes = [...hashes];
  }

  static async of(size: number, nodes: Nodes): Promise<Edge> {
    return new Edge(size, await Promise.all(subtreesOf(0, size).map(({ level, index }) => nodes.node(level, index))));
  }

  static empty(): Edge {
    return new Edge(0, []);
  }

  get size(): number {
    return this.#size;
  }

  root(): Uint8Array {
    return this.#size === 0 ? EMPTY_ROOT : fold(this.#hashes);
  }

  copy(): Edge {
    return new Edge(this.#size, this.#hashes);
  }

  /** Appends an entry and tells of every node that is complete by it, from its leaf upwards. */
  append(entry: Uint8Array, onNode: (level: number, index: number, hash: Uint8Array) => void = () => {}): void {
    this.appendHash(leafHash(entry), onNode);
  }

  appendHash(leaf: Uint8Array, onNode: (level: number, index: number, hash: Uint8Array) => void = () => {}): void {
    let hash = leaf;
    let index = this.#size;
    onNode(0, index, hash);
    for (let level = 1; index % 2 === 1; level += 1) {
      hash = nodeHash(this.#hashes.pop() as Uint8Array, hash);
      index = (index - 1) / 2;
      onNode(level, index, hash);
    }
    this.#hashes.push(hash);
    this.#size += 1;
  }
}
