import { describe, expect, it } from 'vitest';
import { Replay } from './replay.ts';

async function* counting(to: number) {
  for (let n = 1; n <= to; n += 1) yield n;
}
const rest = async (reader: AsyncGenerator<number>) => {
  const all: number[] = [];
  for await (const n of reader) all.push(n);
  return all;
};

describe('a stream that nobody has answered yet', () => {
  it('can be read again from its beginning', async () => {
    const replay = new Replay(counting(3));
    const first = replay.read();
    expect((await first.next()).value).toBe(1);
    expect((await first.next()).value).toBe(2);
    expect(await rest(replay.read())).toEqual([1, 2, 3]);
  });

  it('loses nothing that an earlier reader was waiting for', async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    const replay = new Replay(
      (async function* () {
        yield 1;
        yield await promise;
      })(),
    );
    const first = replay.read();
    await first.next();
    void first.next();
    const second = rest(replay.read());
    resolve(2);
    expect(await second).toEqual([1, 2]);
  });
});

describe('a stream that has been answered', () => {
  it('goes on, and keeps nothing', async () => {
    const replay = new Replay(counting(5));
    const reader = replay.read();
    await reader.next();
    replay.seal();
    expect(await rest(reader)).toEqual([2, 3, 4, 5]);
    expect(replay.replayable).toBe(false);
  });
});

describe('a stream that is long', () => {
  it('can no longer be sent again', async () => {
    const replay = new Replay(counting(5_000));
    expect(await rest(replay.read())).toHaveLength(5_000);
    expect(replay.replayable).toBe(false);
  });
});
