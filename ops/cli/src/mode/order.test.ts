import type { LockStatus } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import { enterOrder, releaseOrder } from './order.ts';

const ground = { fleet: 'f', generation: 1, nowMs: 1_000, nonce: '0'.repeat(32), reason: 'drill' };
const failure = (id: string, operator: boolean, effect: 'safe' | 'halted' = 'safe') => ({
  id,
  operator,
  effect,
  code: 'C',
  artifact: 'a',
});
const status = (failures: readonly object[], mode = 'safe') =>
  ({ mode, failures, lockDigest: 'sha256:1', lockSequence: 7 }) as unknown as LockStatus;

describe('an operator’s release', () => {
  it('names exactly the failures that wait for an operator, and the lock', () => {
    const order = releaseOrder(
      status([failure('1', true), failure('2', false), failure('3', false, 'halted')], 'halted'),
      ground,
    );
    expect(order).toMatchObject({ action: 'release', failures: ['1', '3'], lockDigest: 'sha256:1', lockSequence: 7 });
    expect(order.notAfterUnixMs).toBe(301_000);
  });

  it('is refused where nothing waits for one, and says what the fleet waits for instead', () => {
    expect(() => releaseOrder(status([failure('2', false)]), ground)).toThrow(/Nothing waits for an operator; open: C a/);
    expect(() => releaseOrder(status([], 'normal'), ground)).toThrow(/normal mode/);
  });
});

describe('an operator’s order', () => {
  it('says which mode and why', () => {
    expect(enterOrder('halted', ground)).toMatchObject({ action: 'enter', mode: 'halted', reason: 'drill', fleet: 'f' });
  });

  it.each([
    ['empty', ' '],
    ['longer than a signed order may carry', 'a'.repeat(1_001)],
  ])('is refused with exit code 2 where its reason is %s', (_what, reason) => {
    expect(() => enterOrder('safe', { ...ground, reason })).toThrow(expect.objectContaining({ exitCode: 2 }));
  });
});
