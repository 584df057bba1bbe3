import { generateKeyPairSync } from 'node:crypto';
import { noteKey, signCheckpoint } from '@smartlite/tlog';
import { type ManualClock, manualClock } from '@smartlite/testkit';
import type { TrailTerm } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import type { TermLog } from './engine.ts';
import { Fence } from './fence.ts';
import type { PlacedTerm } from './tenure.ts';

const LEASE_MS = 10_000;
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const key = noteKey('smartlite/test/local', publicKey);
const checkpoint = (size: number, root = size) => signCheckpoint({ size, root: Buffer.alloc(32, root) }, key, privateKey);
const noteOf = (size: number, root?: number) => checkpoint(size, root).note;

/** The control log in memory: one order for all; `deaf` followers hear nothing until they hear again. */
function memoryControlLog(clock: ManualClock) {
  const placed: PlacedTerm[] = [];
  const followers = new Set<{ hear: (term: PlacedTerm) => void; deaf: boolean; lost: () => void }>();
  let skewMs = 0;
  const open = () => {
    const own = { hear: (_term: PlacedTerm) => {}, deaf: false, lost: () => {} };
    const log: TermLog = {
      async append(said) {
        const term: TrailTerm = { fleet: 'test', generation: 1, origin: key.name, ...said };
        const size = said.checkpoint === null ? undefined : Number(said.checkpoint.split('\n')[1]);
        const found = said.checkpoint === null ? undefined : { ...checkpoint(size ?? 0), note: said.checkpoint };
        const root = Buffer.from(said.checkpoint?.split('\n')[2] ?? '', 'base64');
        const at = { position: placed.length + 1, atMs: clock.nowMs() + skewMs, term };
        placed.push({ ...at, checkpoint: found && { ...found, root } });
        for (const follower of followers) if (!follower.deaf) follower.hear(placed.at(-1) as PlacedTerm);
      },
      async follow(on) {
        own.hear = on.term;
        own.lost = on.lost;
        followers.add(own);
        placed.forEach(on.term);
        on.caughtUp();
      },
    };
    return { log, own };
  };
  return { open, placed, step: (ms: number) => (skewMs += ms) };
}

async function twoHosts() {
  const clock = manualClock();
  const control = memoryControlLog(clock);
  const host = async (name: string) => {
    const { log, own } = control.open();
    const fence = new Fence({ log, clock, boot: name.repeat(32), leaseMs: LEASE_MS });
    await fence.join();
    return { fence, own, claim: (size = 0) => fence.claim(name.repeat(64), noteOf(size)), writer: name.repeat(64) };
  };
  const [a, b] = [await host('a'), await host('b')];
  return { clock, control, a, b, host };
}

describe('two audit services on two hosts', () => {
  it('one writes; the other waits for a whole lease after its last word', async () => {
    const { clock, a, b } = await twoHosts();
    expect([await a.claim(), await b.claim()]).toEqual([true, false]);
    clock.advance(LEASE_MS - 1);
    await a.fence.beat(a.writer, noteOf(5));
    clock.advance(LEASE_MS - 1);
    expect(await b.claim()).toBe(false);
    expect(b.fence.highest?.size).toBe(5);
    clock.advance(1);
    expect(await b.claim(5)).toBe(true);
    expect(() => b.fence.check()).not.toThrow();
    expect(() => a.fence.check()).toThrow('another process has taken over');
  });

  it('both claim at once: the order of the log decides', async () => {
    const { a, b } = await twoHosts();
    expect(await Promise.all([a.claim(), b.claim()])).toEqual([true, false]);
  });

  it('a server clock that steps ahead lets nobody in while the writer is heard', async () => {
    const { clock, control, a, b } = await twoHosts();
    await a.claim();
    control.step(24 * 3_600_000);
    clock.advance(1_000);
    expect(await b.claim()).toBe(false);
    expect(() => a.fence.check()).not.toThrow();
  });

  it('a writer that resigns is followed at once', async () => {
    const { a, b } = await twoHosts();
    await a.claim();
    await a.fence.close(a.writer, noteOf(3));
    expect(await b.claim(3)).toBe(true);
    expect(b.fence.highest?.size).toBe(3);
  });
});

describe('a writer whose words do not come back', () => {
  it('stops before its lease ends, by whichever of its clocks is ahead, and claims anew', async () => {
    const { clock, a } = await twoHosts();
    await a.claim();
    a.own.deaf = true;
    clock.advance(LEASE_MS * 0.9 - 1);
    expect(() => a.fence.check()).not.toThrow();
    clock.advance(1);
    expect(() => a.fence.check()).toThrow('has not confirmed in time');
    a.own.deaf = false;
    expect(await a.claim()).toBe(true);
    expect(() => a.fence.check()).not.toThrow();
  });

  it('counts from when it spoke, not from when it heard itself', async () => {
    const { clock, control, a } = await twoHosts();
    await a.claim();
    clock.advance(5_000);
    a.own.deaf = true;
    await a.fence.beat(a.writer, noteOf(1));
    clock.advance(8_999);
    a.own.hear(control.placed.at(-1) as PlacedTerm);
    expect(() => a.fence.check()).not.toThrow();
    clock.advance(1);
    expect(() => a.fence.check()).toThrow('has not confirmed in time');
  });
});

describe('a successor at the same place, whose predecessor the host’s lock proves dead', () => {
  it('need not wait, and the predecessor’s late words change nothing', async () => {
    const { clock, control, a } = await twoHosts();
    await a.claim();
    const { log } = control.open();
    const next = new Fence({ log, clock, boot: 'c'.repeat(32), leaseMs: LEASE_MS });
    await next.join();
    expect(await next.claim(a.writer, noteOf(0))).toBe(true);
    await log.append({ ...(control.placed[0] as PlacedTerm).term, counter: 99, kind: 'beat' });
    expect(() => next.check()).not.toThrow();
    expect(() => a.fence.check()).toThrow('another process');
  });
});

describe('a word that was said before', () => {
  it('says nothing when it is put into the log again, however many others have spoken meanwhile', async () => {
    const { control, a, b } = await twoHosts();
    await a.claim();
    await a.fence.close(a.writer, noteOf(0));
    const { log } = control.open();
    const first = (control.placed[0] as PlacedTerm).term;
    for (let other = 0; other < 300; other += 1) {
      await log.append({ ...first, kind: 'beat', counter: 10 + other });
      for (const boot of [`${other}`, `${-other}`]) await log.append({ ...first, kind: 'beat', boot, counter: 1 });
      await log.append(first);
    }
    expect(await b.claim()).toBe(true);
  });
});

describe('what was signed', () => {
  it('is remembered when the control log is wiped, and the right is claimed anew', async () => {
    const { a } = await twoHosts();
    await a.claim();
    await a.fence.beat(a.writer, noteOf(7));
    a.own.lost();
    expect(() => a.fence.check()).toThrow();
    expect(a.fence.highest?.size).toBe(7);
  });

  it('twice, as two histories, stops everybody by name', async () => {
    const { a, b } = await twoHosts();
    await a.claim();
    await a.fence.beat(a.writer, noteOf(7, 1));
    await b.fence.claim(b.writer, noteOf(7, 2));
    // b stands by and says nothing; a fenced-out writer that signed something else would.
    expect(b.fence.highest?.size).toBe(7);
    await a.fence.beat(a.writer, noteOf(7, 2));
    expect(() => b.fence.highest).toThrow('two different trees of 7 entries are signed');
  });
});
