import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ground, LEASE_MS, PATIENCE } from './ground.ts';

/** Far above every lease, and far below what certificates live. */
const STEP_MS = 10 * 60_000;
let stack: AsyncDisposableStack;
beforeEach(() => {
  stack = new AsyncDisposableStack();
});
afterEach(() => stack.disposeAsync());

describe('fail-closed: the wall clock of a service that is set', () => {
  it('forward: its lease is over at once, and it serves again after a fresh answer of the leader', async () => {
    const { fleet, serves } = await ground(stack);
    await fleet.start('verifier', 'verifier-1');
    const llm = await fleet.start('llm', 'llm-1');
    await serves();
    await llm.stepWallClock(STEP_MS);
    await expect.poll(() => llm.output(), PATIENCE).toContain('LEASE_LOST');
    await serves();
  });

  it('back: its lease is not prolonged, and ends with the verifier’s silence', async () => {
    const { fleet, serves, refuses, attempts } = await ground(stack);
    const verifier = await fleet.start('verifier', 'verifier-1');
    const llm = await fleet.start('llm', 'llm-1');
    await serves();
    await llm.stepWallClock(-10 * LEASE_MS);
    await verifier.kill();
    await refuses();
    expect(attempts.at(-1)?.code).toBe('safe-mode');
    await fleet.start('verifier', 'verifier-1');
    await serves();
  });
});

describe('a leading verifier whose wall clock is set', () => {
  it.each([STEP_MS, -STEP_MS / 10])(
    'by %i ms: it resigns, for it knows its time line no more, and a higher epoch serves',
    async (byMs) => {
      const { fleet, serves } = await ground(stack);
      const verifier = await fleet.start('verifier', 'verifier-1');
      await fleet.start('llm', 'llm-1');
      await serves();
      const epoch = fleet.status()?.epoch ?? 0;
      await verifier.stepWallClock(byMs);
      await expect.poll(() => verifier.output(), PATIENCE).toContain("the leader's clocks have parted");
      await expect.poll(() => fleet.status()?.epoch, PATIENCE).toBeGreaterThan(epoch);
      await serves();
    },
  );
});
