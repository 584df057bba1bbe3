import { describe, expect, it } from 'vitest';
import { appliedBy } from './applied.ts';

const fact = (instance: string, revision: number, epoch = 2) => ({ instance, mode: 'safe', epoch, revision, delayMs: 4 });

describe('an instance and the decision in force', () => {
  it('has applied it when its ack names that decision, with how long that took', () => {
    expect(appliedBy('asr-1', [fact('asr-1', 3)], { epoch: 2, revision: 3 })).toEqual({
      revisionApplied: 3,
      applied: true,
      delayMs: 4,
    });
  });

  it('has not when its ack is of an earlier one, of an earlier leader, or has never come', () => {
    for (const facts of [[fact('asr-1', 2)], [fact('asr-1', 9, 1)], []])
      expect(appliedBy('asr-1', facts, { epoch: 2, revision: 3 })).toMatchObject({ applied: false, delayMs: null });
  });
});
