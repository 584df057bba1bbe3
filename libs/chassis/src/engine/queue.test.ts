import { describe, expect, it } from 'vitest';
import { WorkQueue } from './queue.ts';

const NEVER = new AbortController().signal;

/** A queue whose clock the test turns. */
function queueOf(concurrency: number) {
  const clock = { ms: 0 };
  const queue = new WorkQueue(concurrency, () => clock.ms);
  return { queue, clock };
}

describe('the wait before new work', () => {
  it('is nothing while a place is free, or nothing is known yet', async () => {
    const { queue } = queueOf(1);
    expect(queue.waitMs).toBe(0);
    await queue.enter(NEVER);
    expect(queue.waitMs).toBe(0);
  });

  it('is what the work before it takes, by the latest pieces', async () => {
    const { queue, clock } = queueOf(1);
    const leave = await queue.enter(NEVER);
    clock.ms += 400;
    leave();
    await queue.enter(NEVER);
    expect(queue.waitMs).toBe(400);
    void queue.enter(NEVER);
    void queue.enter(NEVER);
    expect([queue.queued, queue.waitMs]).toEqual([2, 1_200]);
  });

  it('is shorter the more run at once', async () => {
    const { queue, clock } = queueOf(4);
    const leave = await queue.enter(NEVER);
    clock.ms += 400;
    leave();
    for (let work = 0; work < 4; work += 1) await queue.enter(NEVER);
    expect(queue.waitMs).toBe(100);
  });
});

describe('a queue that is full', () => {
  it('refuses at once, and says when to come again', async () => {
    const { queue } = queueOf(1);
    await queue.enter(NEVER);
    for (let waiting = 0; waiting < 64; waiting += 1) void queue.enter(NEVER);
    await expect(queue.enter(NEVER)).rejects.toMatchObject({ code: 'overloaded', retryAfterMs: 500 });
  });
});
