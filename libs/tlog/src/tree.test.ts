import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leafHash } from './hash.ts';
import { memoryLog, someEntries, treeHash } from './memorylog.fixture.ts';
import { verifyConsistency, verifyInclusion } from './proof.ts';
import { nodesOf } from './store.ts';
import { Edge, proveConsistency, proveInclusion, rootOf } from './tree.ts';

const COUNT = 1_100;
const entries = someEntries(COUNT);
/** Trees of every size up to this one, and beyond two tiles. */
const size = fc.integer({ min: 1, max: COUNT });
const rootAt = (count: number) => treeHash(entries.slice(0, count));

describe('a tree read from its tiles', () => {
  const { reader } = memoryLog(entries);

  it('has the root that RFC 6962 defines, at every size', async () => {
    const nodes = nodesOf(reader, COUNT);
    await fc.assert(
      fc.asyncProperty(size, async (count) => {
        expect(Buffer.from(await rootOf(count, nodes))).toEqual(Buffer.from(rootAt(count)));
      }),
    );
  });

  it('proves each of its leaves, and no other leaf, index, size or root by the same path', async () => {
    const nodes = nodesOf(reader, COUNT);
    await fc.assert(
      fc.asyncProperty(size, fc.nat(), fc.nat(), async (count, pick, bit) => {
        const index = pick % count;
        const proof = await proveInclusion(index, count, nodes);
        const claim = {
          index: BigInt(index),
          size: BigInt(count),
          leafHash: leafHash(entries[index] as Uint8Array),
          root: rootAt(count),
          proof,
        };
        verifyInclusion(claim);
        const flipped = proof.map((hash, at) => (at === bit % proof.length ? flip(hash, bit) : hash));
        const lies = [
          { ...claim, leafHash: flip(claim.leafHash, bit) },
          { ...claim, root: flip(claim.root, bit) },
          { ...claim, index: BigInt(count) },
          { ...claim, proof: [...proof, claim.leafHash] },
          ...(proof.length > 0
            ? [
                { ...claim, proof: flipped },
                { ...claim, proof: proof.slice(1) },
              ]
            : []),
        ];
        for (const lie of lies) expect(() => verifyInclusion(lie)).toThrow();
      }),
    );
  });

  it('proves that it begins with each of its smaller selves, and with no other', async () => {
    const nodes = nodesOf(reader, COUNT);
    await fc.assert(
      fc.asyncProperty(size, fc.nat(), fc.nat(), async (size2, pick, bit) => {
        const size1 = 1 + (pick % size2);
        const proof = await proveConsistency(size1, size2, nodes);
        const claim = { size1: BigInt(size1), size2: BigInt(size2), root1: rootAt(size1), root2: rootAt(size2), proof };
        verifyConsistency(claim);
        const lies = [
          { ...claim, root1: flip(claim.root1, bit) },
          { ...claim, root2: flip(claim.root2, bit) },
          { ...claim, proof: [...proof, claim.root1] },
          ...(proof.length > 0 ? [{ ...claim, proof: proof.slice(0, -1) }] : []),
        ];
        for (const lie of lies) expect(() => verifyConsistency(lie)).toThrow();
      }),
    );
  });
});

describe('the right edge of a tree', () => {
  it('grows to the same root as the tree of all entries, from wherever it is taken up', async () => {
    const { reader } = memoryLog(entries);
    await fc.assert(
      fc.asyncProperty(size, fc.nat(), async (count, pick) => {
        const edge = await Edge.of(pick % count, nodesOf(reader, COUNT));
        for (const entry of entries.slice(edge.size, count)) edge.append(entry);
        expect(edge.size).toBe(count);
        expect(Buffer.from(edge.root())).toEqual(Buffer.from(rootAt(count)));
      }),
      { numRuns: 50 },
    );
  });

  it('tells of every complete subtree once', () => {
    const edge = Edge.empty();
    const told: string[] = [];
    for (const entry of someEntries(7)) edge.append(entry, (level, index) => told.push(`${level}/${index}`));
    expect(told.toSorted()).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4', '0/5', '0/6', '1/0', '1/1', '1/2', '2/0']);
  });
});

function flip(hash: Uint8Array, bit: number): Uint8Array {
  const copy = Buffer.from(hash);
  const at = (bit >> 3) % copy.length;
  copy[at] = (copy[at] as number) ^ (1 << (bit & 7));
  return copy;
}
