import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkConsistency, checkInclusion } from './checker.fixture.ts';

const VECTORS = join(import.meta.dirname, '..', '..', '..', 'test', 'vectors', 'rfc6962');
type Vector = Readonly<Record<string, unknown>> & { readonly wantErr: boolean };

/** Numbers of 64 bits are kept exact. */
function vectorsIn(folder: string): readonly (readonly [string, Vector])[] {
  const exact = (_name: string, value: unknown, { source }: { source: string }) =>
    typeof value === 'number' ? BigInt(source) : value;
  return globSync(join(VECTORS, folder, '**', '*.json')).map((file) => [
    relative(VECTORS, file),
    JSON.parse(readFileSync(file, 'utf8'), exact as never) as Vector,
  ]);
}
const bytes = (value: unknown) => Buffer.from((value ?? '') as string, 'base64');
const list = (value: unknown) => ((value ?? []) as string[]).map(bytes);

/** The judge of our log is judged itself, by other people's vectors. */
describe('the checker that shares nothing with the log', () => {
  it.each([
    [
      'inclusion',
      ({ leafIdx, treeSize, root, leafHash, proof }: Vector) =>
        checkInclusion({
          index: leafIdx as bigint,
          size: treeSize as bigint,
          leaf: bytes(leafHash),
          root: bytes(root),
          path: list(proof),
        }),
    ],
    [
      'consistency',
      ({ size1, size2, root1, root2, proof }: Vector) =>
        checkConsistency({
          older: size1 as bigint,
          newer: size2 as bigint,
          olderRoot: bytes(root1),
          newerRoot: bytes(root2),
          proof: list(proof),
        }),
    ],
  ] as const)('judges all 98 published proofs of %s as they should be', (folder, check) => {
    const vectors = vectorsIn(folder);
    expect(vectors).toHaveLength(98);
    const wrong = vectors.filter(([, vector]) => {
      try {
        check(vector);
        return vector.wantErr;
      } catch {
        return !vector.wantErr;
      }
    });
    expect(wrong.map(([file]) => file)).toEqual([]);
  });
});
