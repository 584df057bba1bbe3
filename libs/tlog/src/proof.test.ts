import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EMPTY_ROOT, leafHash, nodeHash } from './hash.ts';
import { verifyConsistency, verifyInclusion } from './proof.ts';

const VECTORS = join(import.meta.dirname, '..', '..', '..', 'test', 'vectors', 'rfc6962');

interface Vector {
  readonly desc: string;
  readonly wantErr: boolean;
  readonly [field: string]: unknown;
}

/** Numbers of 64 bits are kept exact. */
function vectorsIn(folder: string): readonly (readonly [string, Vector])[] {
  const exact = (_name: string, value: unknown, { source }: { source: string }) =>
    typeof value === 'number' ? BigInt(source) : value;
  return globSync(join(VECTORS, folder, '**', '*.json'))
    .toSorted()
    .map((file) => [relative(VECTORS, file), JSON.parse(readFileSync(file, 'utf8'), exact as never) as Vector]);
}
const bytes = (value: unknown) => Buffer.from((value ?? '') as string, 'base64');
const list = (value: unknown) => ((value ?? []) as string[]).map(bytes);
const size = (value: unknown) => value as bigint;

describe('hashes of RFC 6962', () => {
  it.each([
    ['the empty tree', EMPTY_ROOT, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['an empty leaf', leafHash(Buffer.of()), '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
    ['a leaf', leafHash(Buffer.from('L123456')), '395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56'],
    [
      'a node',
      nodeHash(Buffer.from('N123'), Buffer.from('N456')),
      'aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb',
    ],
  ])('are those of the published vectors: %s', (_what, hash, expected) => {
    expect(Buffer.from(hash).toString('hex')).toBe(expected);
  });
});

describe('published proofs of inclusion', () => {
  const vectors = vectorsIn('inclusion');

  it('are all there', () => expect(vectors).toHaveLength(98));

  it.each(vectors)('are judged as they should be: %s', (_file, { leafIdx, treeSize, root, leafHash: leaf, proof, wantErr }) => {
    const verify = () =>
      verifyInclusion({
        index: size(leafIdx),
        size: size(treeSize),
        leafHash: bytes(leaf),
        root: bytes(root),
        proof: list(proof),
      });
    if (wantErr) expect(verify).toThrowError(expect.objectContaining({ code: 'PROOF_INVALID' }));
    else expect(verify).not.toThrow();
  });
});

describe('published proofs of consistency', () => {
  const vectors = vectorsIn('consistency');

  it('are all there', () => expect(vectors).toHaveLength(98));

  it.each(vectors)('are judged as they should be: %s', (_file, { size1, size2, root1, root2, proof, wantErr }) => {
    const verify = () =>
      verifyConsistency({
        size1: size(size1),
        size2: size(size2),
        root1: bytes(root1),
        root2: bytes(root2),
        proof: list(proof),
      });
    if (wantErr) expect(verify).toThrowError(expect.objectContaining({ code: 'PROOF_INVALID' }));
    else expect(verify).not.toThrow();
  });
});
