import { MeshError } from '@smartlite/contracts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { WorkRules } from './host.ts';
import type { FromEngine, ToEngine } from './messages.ts';
import { LoadedProcess } from './process.ts';

const HANG_MS = 1_000;
const never = new AbortController().signal;

// Time is virtual.
beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A process whose child is the test's own hand. */
function rig(rules: WorkRules = {}) {
  const sent: ToEngine[] = [];
  const exit = Promise.withResolvers<{ code: number | null; signal: string | null }>();
  let hung = false;
  const child = new LoadedProcess(
    {
      pid: 1,
      send: (message) => void sent.push(message),
      kill: () => exit.resolve({ code: null, signal: 'SIGKILL' }),
      exited: exit.promise,
    },
    {
      modelId: 'mouth',
      engine: 'scripted',
      artifactDigests: [],
      lockDigest: 'old',
      concurrency: 1,
      placeUntil: 'end',
      cancelMsMax: HANG_MS,
      onHung: () => (hung = true),
      ...rules,
    },
  );
  const say = async (event: Extract<FromEngine, { kind: 'chunk' | 'done' | 'failed' | 'relocked' }>) => {
    child.deliver(event);
    await settled();
  };
  /** One piece of work, begun to be read. */
  const work = (signal = never) => {
    let begun = false;
    const chunks = child.run('text', signal, () => (begun = true))[Symbol.asyncIterator]();
    const first = chunks.next();
    first.catch(() => undefined);
    return { chunks, first, begun: () => begun };
  };
  return { child, sent, say, work, hung: () => hung };
}

const settled = () => vi.advanceTimersByTimeAsync(0);

describe('a piece of work that is cancelled', () => {
  it('keeps its place until the child has ended it: what comes next waits in the queue, where waiting is nobody’s fault', async () => {
    const { child, say, work } = rig();
    const leaving = new AbortController();
    const left = work(leaving.signal);
    await settled();
    const next = work();
    leaving.abort(new MeshError('cancelled', 'left'));
    await expect(left.first).rejects.toMatchObject({ code: 'cancelled' });
    await settled();
    expect([child.queued, next.begun()]).toEqual([1, false]);
    await say({ kind: 'chunk', id: 1, chunk: 'too late' });
    expect(next.begun()).toBe(false);
    await say({ kind: 'done', id: 1 });
    expect([child.queued, next.begun()]).toEqual([0, true]);
  });

  it('and that the child never ends shows that it hangs: it is ended, and what waits for it fails', async () => {
    const { child, work, hung } = rig();
    const leaving = new AbortController();
    const left = work(leaving.signal);
    await settled();
    const next = work();
    leaving.abort(new MeshError('cancelled', 'left'));
    await expect(left.first).rejects.toMatchObject({ code: 'cancelled' });
    await vi.advanceTimersByTimeAsync(HANG_MS - 1);
    expect(hung()).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(hung()).toBe(true);
    await expect(next.first).rejects.toMatchObject({ code: 'unavailable' });
    expect(await child.exited).toMatchObject({ signal: 'SIGKILL' });
  });

  it('and that the child has ended before anybody has read so far needs no other end', async () => {
    const { child, sent, say, work, hung } = rig();
    const reader = work();
    await settled();
    await say({ kind: 'chunk', id: 1, chunk: 'one' });
    await say({ kind: 'chunk', id: 1, chunk: 'two' });
    await say({ kind: 'done', id: 1 });
    await reader.first;
    await reader.chunks.return?.(undefined);
    await vi.advanceTimersByTimeAsync(2 * HANG_MS);
    expect([hung(), child.inflight, sent.map(({ kind }) => kind)]).toEqual([false, 0, ['run']]);
  });

  it('and that the child ends in time is forgotten', async () => {
    const { say, work, hung } = rig();
    const leaving = new AbortController();
    const left = work(leaving.signal);
    await settled();
    leaving.abort(new MeshError('cancelled', 'left'));
    await expect(left.first).rejects.toMatchObject({ code: 'cancelled' });
    await say({ kind: 'failed', id: 1, code: 'cancelled', message: 'left', facts: {} });
    await vi.advanceTimersByTimeAsync(2 * HANG_MS);
    expect(hung()).toBe(false);
  });
});

describe('a process that makes all of an answer before it gives any of it', () => {
  it('begins with the next one when the first chunk is there, however slowly that is read', async () => {
    const { say, work } = rig({ placeUntil: 'first-chunk' });
    const slow = work();
    await settled();
    const next = work();
    await settled();
    expect(next.begun()).toBe(false);
    await say({ kind: 'chunk', id: 1, chunk: 'sound' });
    expect([await slow.first, next.begun()]).toEqual([{ done: false, value: 'sound' }, true]);
  });

  it('does not go on for ever: after 32 answers that nobody reads to their end the next one waits for one of them', async () => {
    const { child, say, work } = rig({ placeUntil: 'first-chunk' });
    const readers = [];
    for (let id = 1; id <= 33; id += 1) {
      const reader = work();
      await settled();
      await say({ kind: 'chunk', id, chunk: 'sound' });
      await reader.first;
      readers.push(reader);
    }
    const next = work();
    await settled();
    expect([child.queued, next.begun()]).toEqual([1, false]);
    const rest = readers.at(-1)?.chunks.next();
    await say({ kind: 'done', id: 33 });
    expect(await rest).toMatchObject({ done: true });
    await settled();
    expect(next.begun()).toBe(true);
  });
});

describe('a process that is asked to go on under another lock', () => {
  const files = { lockBytes: Buffer.from('lock'), packBytes: Buffer.from('pack') };

  it('does so once it has verified that the lock covers what it has loaded', async () => {
    const { child, sent, say } = rig();
    const relocked = child.relock(files);
    expect(sent).toEqual([{ kind: 'relock', lock: files.lockBytes, pack: files.packBytes }]);
    expect(child.lockDigest).toBe('old');
    await say({ kind: 'relocked', lockDigest: 'new' });
    expect([await relocked, child.lockDigest]).toEqual([true, 'new']);
  });

  it('does not where it says no, says nothing, or ends', async () => {
    for (const answer of ['no', 'nothing', 'ends'] as const) {
      const { child, say } = rig();
      const relocked = child.relock(files);
      if (answer === 'no') await say({ kind: 'relocked', lockDigest: null });
      if (answer === 'nothing') await vi.advanceTimersByTimeAsync(60_000);
      if (answer === 'ends') child.kill();
      expect([await relocked, child.lockDigest], answer).toEqual([false, 'old']);
    }
  });
});
