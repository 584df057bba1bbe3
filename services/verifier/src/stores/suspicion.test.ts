import { describe, expect, it } from 'vitest';
import type { ReportedFinding } from '../report.ts';
import { Suspicion } from './suspicion.ts';

const BAD = { code: 'DIGEST_MISMATCH', artifact: 'ears', digest: null, message: 'differs', effect: 'safe' } as const;

/** What is told, in order, of what is raised. */
function told(look: (suspected: readonly string[]) => Promise<readonly ReportedFinding[]>) {
  const said: string[] = [];
  const suspicion = new Suspicion(look, {
    found: ([first]) => said.push(`found ${first?.artifact}`),
    changed: () => said.push('changed'),
  });
  return { said, suspicion };
}

describe('a suspicion about a store', () => {
  it('is looked into at once, and what was found is told before a full verification is asked for', async () => {
    const { said, suspicion } = told(async () => [BAD]);
    suspicion.raise(['ears/script.json']);
    await expect.poll(() => said).toEqual(['found ears', 'changed']);
  });

  it('asks for a full verification also where the look finds nothing, fails, or nobody knows where to look', async () => {
    const { said, suspicion } = told(async ([path]) => {
      if (path === 'broken') throw new Error('no such disk');
      return [];
    });
    suspicion.raise(null);
    expect(said).toEqual(['changed']);
    suspicion.raise(['ears/script.json']);
    await expect.poll(() => said).toHaveLength(2);
    suspicion.raise(['broken']);
    await expect.poll(() => said).toEqual(['changed', 'changed', 'changed']);
  });

  it('is one look at a time: what is suspected meanwhile is looked at next, in one', async () => {
    const looks: (readonly string[])[] = [];
    const first = Promise.withResolvers<void>();
    const { said, suspicion } = told(async (suspected) => {
      looks.push(suspected);
      if (looks.length === 1) await first.promise;
      return [];
    });
    for (const path of ['a', 'b', 'c', 'b']) suspicion.raise([path]);
    first.resolve();
    await expect.poll(() => said).toHaveLength(2);
    expect(looks).toEqual([['a'], ['b', 'c']]);
  });
});
