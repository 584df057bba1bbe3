import { describe, expect, it } from 'vitest';
import { Outbox } from './outbox.ts';

async function all<T>(outbox: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of outbox) items.push(item);
  return items;
}

describe('what a stream still has to send', () => {
  it('is the newest partial only', async () => {
    const outbox = new Outbox<string, string>();
    outbox.partial('a');
    outbox.partial('a b');
    const reader = outbox[Symbol.asyncIterator]();
    expect((await reader.next()).value).toBe('a b');
    const next = reader.next();
    outbox.partial('a b c');
    expect((await next).value).toBe('a b c');
  });

  it('ends with the final one, without a partial that came before it', async () => {
    const outbox = new Outbox<string, string>();
    outbox.partial('a');
    outbox.final('a b');
    expect(await all(outbox)).toEqual(['a b']);
  });

  it('ends with the failure', async () => {
    const outbox = new Outbox<string, string>();
    outbox.fail(new Error('gone'));
    await expect(all(outbox)).rejects.toThrow('gone');
  });
});
