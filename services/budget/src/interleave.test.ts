import { describe, expect, it } from 'vitest';
import { interleave } from './interleave.ts';

async function* numbers(count: number, onRead: (n: number) => void = () => undefined) {
  for (let n = 0; n < count; n += 1) {
    onRead(n);
    yield n;
  }
}
const collect = async <T>(batches: AsyncIterable<readonly T[]>) => {
  const out: T[] = [];
  for await (const batch of batches) out.push(...batch);
  return out;
};
const forever = new AbortController().signal;

describe('interleaved answers', () => {
  it('come as each is ready, all of them, once', async () => {
    const gates = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
    const answers = collect(interleave(numbers(2), (n) => gates[n]?.promise ?? Promise.resolve(n), 10, forever));
    const idle = () => new Promise((resolve) => setImmediate(resolve));
    await idle();
    gates[1]?.resolve(1);
    await idle();
    gates[0]?.resolve(0);
    expect(await answers).toEqual([1, 0]);
  });

  it('hold the sender back when too many are under way', async () => {
    let read = -1;
    let release = () => undefined as void;
    const held = new Promise<void>((resolve) => (release = resolve));
    const answers = collect(
      interleave(
        numbers(5, (n) => (read = n)),
        (n) => held.then(() => n),
        2,
        forever,
      ),
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(read).toBe(1);
    release();
    expect((await answers).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
  });

  it('end with the signal, though the requests go on for ever', async () => {
    const leaving = new AbortController();
    const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<number>>(() => undefined) }) };
    const answers = collect(interleave(never, async (n) => n, 2, leaving.signal));
    leaving.abort();
    expect(await answers).toEqual([]);
  });

  it('throw what the stream threw', async () => {
    const broken = (async function* () {
      yield 1;
      throw new Error('cut');
    })();
    await expect(collect(interleave(broken, async (n) => n, 2, forever))).rejects.toThrow('cut');
  });
});
