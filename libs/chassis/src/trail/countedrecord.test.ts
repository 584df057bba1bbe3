import { describe, expect, it } from 'vitest';
import type { Trail } from '../platform.ts';
import { CountedRecord } from './countedrecord.ts';

type AuditFacts = Parameters<Trail['record']>[1];

interface Entry {
  readonly facts: AuditFacts;
  readonly actor: string | undefined;
}

/** A trail that can be read, and a clock that is turned by hand. */
function bench() {
  const entries: Entry[] = [];
  const endings: (() => void)[] = [];
  let nowMs = 1_000;
  const trail = {
    record: (_kind: string, facts: AuditFacts, options?: { actor?: string }) =>
      String(entries.push({ facts, actor: options?.actor })),
    atEnd: (work: () => void) => void endings.push(work),
  } as unknown as Trail;
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const counted = new CountedRecord({ trail, clock }, 'call.refused', { burst: 3, perSecond: 1 });
  const refuse = (actor: string, reason = 'SAFE_MODE') => counted.record({ method: 'Speak', reason }, { traceId: 't', actor });
  return { entries, counted, refuse, pass: (ms: number) => (nowMs += ms), end: () => endings.forEach((work) => work()) };
}

const operations = (entries: readonly Entry[]) =>
  entries.reduce((sum, { facts }) => sum + (typeof facts['count'] === 'number' ? facts['count'] : 1), 0);

describe('operations refused faster than the trail takes entries', () => {
  it('have an entry each up to the rate, and beyond it an entry that says of what, of whom, how many, from when to when', () => {
    const { entries, refuse, counted, pass } = bench();
    for (let call = 0; call < 10; call += 1) {
      refuse('ann');
      pass(10);
    }
    counted.flush();
    expect(entries.slice(0, 3).map(({ actor, facts }) => [actor, facts['count']])).toEqual(Array(3).fill(['ann', undefined]));
    expect(entries.slice(3)).toEqual([
      { actor: 'ann', facts: { method: 'Speak', reason: 'SAFE_MODE', count: 7, fromUnixMs: 1_030, toUnixMs: 1_090 } },
    ]);
  });

  it('are told apart by caller and reason', () => {
    const { entries, refuse, counted } = bench();
    for (let call = 0; call < 3; call += 1) refuse('ann');
    for (let call = 0; call < 4; call += 1) refuse('bob');
    for (let call = 0; call < 2; call += 1) refuse('bob', 'HALTED');
    counted.flush();
    expect(entries.slice(3).map(({ actor, facts }) => [actor, facts['reason'], facts['count']])).toEqual([
      ['bob', 'SAFE_MODE', 4],
      ['bob', 'HALTED', 2],
    ]);
  });

  it('lose no count, however many callers there are, and fill no memory', () => {
    const { entries, refuse, counted } = bench();
    for (let call = 0; call < 5_000; call += 1) refuse(`caller-${call}`);
    counted.flush();
    expect(operations(entries)).toBe(5_000);
    expect(entries.length).toBeLessThan(100);
    counted.flush();
    expect(operations(entries)).toBe(5_000);
  });

  it('are written before the trail ends', () => {
    const { entries, refuse, end } = bench();
    for (let call = 0; call < 9; call += 1) refuse('ann');
    end();
    expect(operations(entries)).toBe(9);
  });

  it('are written by themselves although no other call follows', async () => {
    const { entries, refuse } = bench();
    for (let call = 0; call < 9; call += 1) refuse('ann');
    await expect.poll(() => operations(entries), { timeout: 30_000 }).toBe(9);
  });
});
