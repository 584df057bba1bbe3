import { describe, expect, it } from 'vitest';
import { inOrder } from './inorder.ts';
import type { Report } from './report.ts';

const SERVED = { digest: 'sha256:two', sequence: 2, mismatch: 'safe' } as const;

function report(lockSequence: number | null, lockDigest: string | null): Report {
  return { lockSequence, lockDigest, findings: [] } as unknown as Report;
}

describe('a lock that verifies on a host whose mark was wiped', () => {
  it.each([
    ['an older one', 1, 'sha256:one'],
    ['another one of the same sequence', 2, 'sha256:other'],
  ])('is refused where the fleet has served under a later one: %s', (_name, sequence, digest) => {
    expect(inOrder(report(sequence, digest), SERVED).findings).toMatchObject([
      { code: 'SEQUENCE_ROLLED_BACK', effect: 'halted' },
    ]);
  });

  it('is taken where it is the one that served, a later one, or the first', () => {
    const taken = [report(2, SERVED.digest), report(3, 'sha256:three'), report(null, null)];
    expect(taken.map((each) => inOrder(each, SERVED).findings)).toEqual([[], [], []]);
    expect(inOrder(report(1, 'sha256:one'), null).findings).toEqual([]);
  });
});
