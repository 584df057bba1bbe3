import { afterEach, describe, expect, it } from 'vitest';
import { Accountant } from './accountant.ts';
import type { LedgerLog } from './engine.ts';
import type { Command } from './entry.ts';
import { memoryLog } from './fixtures/memorylog.ts';
import type { Limit } from './limits.ts';

const LIMIT: Limit = { scope: 'tenant', subject: '', unit: 'requests', window: 'day', limit: 50 };
const PACK = { generation: 1, sequence: 1, limits: [LIMIT] };
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

let stopping = new AbortController();
afterEach(() => {
  stopping.abort();
  stopping = new AbortController();
});

interface Wish {
  readonly nowMs?: () => number;
  readonly pack?: typeof PACK;
}
async function replica(log: LedgerLog, replica: string, { nowMs = () => 1_000, pack = PACK }: Wish = {}) {
  const losses: number[] = [];
  const accountant = new Accountant({
    log,
    clock: { nowMs, monotonicMs: nowMs },
    replica,
    pack,
    newIncarnation: () => `by-${replica}`,
    journal: quiet,
    onLost: (position) => void losses.push(position),
  });
  await accountant.open(stopping.signal);
  return Object.assign(accountant, { losses });
}
const reserve = (key: string, requests = 1): Command => ({
  kind: 'reserve',
  key,
  tenant: 'acme',
  user: 'ada',
  amounts: { requests },
  lifeMs: 60_000,
});
const ADA = { tenant: 'acme', user: 'ada' };

describe('three replicas of the budget', () => {
  it('grant exactly 50 of 1,000 requests at once', async () => {
    const log = memoryLog();
    const replicas = await Promise.all(['a', 'b', 'c'].map((name) => replica(log, name)));
    const outcomes = await Promise.all(
      Array.from({ length: 1_000 }, (_, n) => (replicas[n % 3] as Accountant).decide(reserve(`k${n}`))),
    );
    expect(outcomes.filter((outcome) => outcome.kind === 'granted')).toHaveLength(50);
    for (const each of replicas) expect(each.usage(ADA)[0]).toMatchObject({ reserved: 50 });
  });

  it('know the same books as a replica that comes later', async () => {
    const log = memoryLog();
    const first = await replica(log, 'a');
    await first.decide(reserve('k'));
    const late = await replica(log, 'b');
    expect(late.usage(ADA)).toEqual(first.usage(ADA));
  });

  it('keep the limits of the newest pack, also those that were started with an older one', async () => {
    const log = memoryLog();
    const old = await replica(log, 'a');
    await replica(log, 'b', { pack: { ...PACK, sequence: 2, limits: [{ ...LIMIT, limit: 3 }] } });
    const late = await replica(log, 'c');
    expect(await old.decide(reserve('k', 4))).toMatchObject({ kind: 'refused', limitValue: 3 });
    expect(await late.decide(reserve('l', 4))).toMatchObject({ kind: 'refused', limitValue: 3 });
  });
});

describe('a replica that comes back under its name', () => {
  it('decides though its clock was set back, and its older life decides no more', async () => {
    const log = memoryLog();
    const older = await replica(log, 'a', { nowMs: () => 9_000 });
    const newer = await replica(log, 'a', { nowMs: () => 1_000 });
    expect((await newer.decide(reserve('k'))).kind).toBe('granted');
    expect(await older.decide(reserve('l'))).toEqual({ kind: 'rejected', reason: 'older-boot' });
  });
});

describe('an append that fails', () => {
  it('without being stored is reported as unavailable, and the repeated command holds once', async () => {
    const log = memoryLog();
    const accountant = await replica(log, 'a');
    log.failNext('not-applied');
    await expect(accountant.decide(reserve('k'))).rejects.toMatchObject({ code: 'budget-unavailable', retryable: true });
    expect((await accountant.decide(reserve('k'))).kind).toBe('granted');
    expect(accountant.usage(ADA)[0]).toMatchObject({ reserved: 1 });
  });

  it('though stored, holds once, whichever comes first: the failure or the entry', async () => {
    const log = memoryLog();
    const accountant = await replica(log, 'a');
    log.failNext('applied-unacknowledged');
    await accountant.decide(reserve('k')).catch(() => undefined);
    expect((await accountant.decide(reserve('k'))).kind).toBe('granted');
    expect(accountant.usage(ADA)[0]).toMatchObject({ reserved: 1 });
  });
});

describe('a log that has lost its tail', () => {
  it('is found by who had read it, and nothing is granted by anybody until what was held has ended', async () => {
    const log = memoryLog();
    let nowMs = 1_000;
    const clock = { nowMs: () => nowMs };
    const [witness, other] = [await replica(log, 'a', clock), await replica(log, 'b', clock)];
    const before = log.entries.length;
    await witness.decide(reserve('k', 50));
    log.cut(before);
    await expect.poll(() => witness.ready && other.ready).toBe(true);
    expect(witness.losses).toEqual([before]);
    const late = await replica(log, 'c', clock);
    for (const each of [witness, other, late])
      expect(await each.decide(reserve('l'))).toEqual({ kind: 'rejected', reason: 'recovering' });
    nowMs += 700_000;
    expect((await late.decide(reserve('m'))).kind).toBe('granted');
  });

  it('and all before it begins a new incarnation, and what was written for the old one does not count', async () => {
    const log = memoryLog();
    const witness = await replica(log, 'a');
    const [first] = log.entries;
    log.cut(0);
    await expect.poll(() => witness.ready).toBe(true);
    const books = log.entries.length;
    if (first?.authored) await log.append({ ...first.authored, incarnation: 'another', command: reserve('k', 50) });
    expect(log.entries).toHaveLength(books + 1);
    expect(witness.usage(ADA)[0]).toMatchObject({ reserved: 0 });
  });
});

describe('a log whose head is missing', () => {
  it('is decided by nobody: who has read the head and who has not would keep two books', async () => {
    const log = memoryLog();
    const first = await replica(log, 'a');
    await first.decide(reserve('k'));
    const headless: LedgerLog = {
      append: (entry) => log.append(entry),
      follow(reader, signal) {
        const behead = {
          ...reader,
          entry: (logged: (typeof log.entries)[number]) => logged.position > 1 && reader.entry(logged),
        };
        return log.follow(behead, signal);
      },
    };
    let opened = false;
    void replica(headless, 'b').then(() => (opened = true));
    const appended = log.entries.length;
    await expect.poll(() => log.entries.length, { timeout: 10_000 }).toBeGreaterThan(appended);
    expect(opened).toBe(false);
  });
});

describe('a fleet in which nobody asks any more', () => {
  it('closes what a dead holder had held once its life and the margin are over', async () => {
    const log = memoryLog();
    let nowMs = 1_000;
    const accountant = await replica(log, 'a', { nowMs: () => nowMs });
    await accountant.decide({ ...reserve('k'), amounts: { llm_tokens: 5, requests: 1 } } as Command);
    nowMs += 70_000;
    await expect.poll(() => accountant.usage(ADA)[0], { timeout: 10_000 }).toMatchObject({ reserved: 0, charged: 1 });
  });
});
