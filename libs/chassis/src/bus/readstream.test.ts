import type { JetStreamManager } from 'nats';
import { describe, expect, it } from 'vitest';
import { manualClock, natsServer, seededIds } from '@smartlite/testkit';
import { createBus } from './bus.ts';
import { connectNats } from './connect.ts';
import { readStream } from './readstream.ts';

const silent = () => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };
const STREAM = 'letters';
const PATIENCE = { timeout: 30_000 };

/** A stream of three letters, and whoever reads it from the second on. */
async function reading(stack: AsyncDisposableStack) {
  const server = stack.use(await natsServer());
  const nats = await connectNats({ natsUrl: server.url, natsCredentials: undefined, name: 'test' }, log);
  stack.defer(() => nats.close());
  const clock = manualClock();
  const bus = createBus({ nats, service: 'llm', instance: 'llm-1', clock, ids: seededIds(1), mode: () => 'normal' });
  const manager = await bus.manager();
  await manager.streams.add({ name: STREAM, subjects: ['letter.*'] });
  const write = async (...letters: readonly string[]) => {
    for (const letter of letters) await bus.jetstream.publish('letter.a', letter);
  };
  await write('a', 'b', 'c');
  const read: string[] = [];
  const ending = new AbortController();
  const follow = async () => {
    for await (const message of readStream(bus, { stream: STREAM, from: 2, signal: ending.signal })) read.push(message.string());
    return 'ended';
  };
  const followed = follow();
  await expect.poll(() => read, PATIENCE).toEqual(['b', 'c']);
  return { server, bus, manager, write, read, ending, followed };
}

async function consumersOf(manager: JetStreamManager): Promise<readonly string[]> {
  return (await manager.consumers.list(STREAM).next()).map(({ name }) => name);
}

describe('a stream that is read', () => {
  it('gives what is there and what comes, in order, until it is ended, and leaves no consumer behind', async () => {
    await using stack = new AsyncDisposableStack();
    const { manager, write, read, ending, followed } = await reading(stack);
    await write('d', 'e');
    await expect.poll(() => read, PATIENCE).toEqual(['b', 'c', 'd', 'e']);
    ending.abort();
    expect(await followed).toBe('ended');
    await expect.poll(() => consumersOf(manager), PATIENCE).toEqual([]);
  });

  it('is left when its consumer is gone, its server comes back, or it is wiped: whoever reads on looks first', async () => {
    const harms: readonly ((ground: Awaited<ReturnType<typeof reading>>) => Promise<unknown>)[] = [
      async ({ manager }) => manager.consumers.delete(STREAM, (await consumersOf(manager))[0] ?? ''),
      ({ bus }) => bus.nats.reconnect(),
      ({ manager }) => manager.streams.delete(STREAM),
    ];
    for (const harm of harms) {
      await using stack = new AsyncDisposableStack();
      const ground = await reading(stack);
      await harm(ground);
      expect(await ground.followed).toBe('ended');
    }
  });

  it('that is not there is told at once', async () => {
    await using stack = new AsyncDisposableStack();
    const { bus, ending } = await reading(stack);
    const none = readStream(bus, { stream: 'none', from: 1, signal: ending.signal });
    await expect(none.next()).rejects.toThrow('stream not found');
  });
});
