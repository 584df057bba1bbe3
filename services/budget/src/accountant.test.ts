import { describe, expect, it } from 'vitest';
import { Accountant } from './accountant.ts';
import type { LedgerLog, Logged } from './engine.ts';
import type { Command } from './entry.ts';
import { Ledger } from './ledger.ts';
import type { Limit } from './limits.ts';

const LIMIT: Limit = { scope: 'tenant', subject: '', unit: 'requests', window: 'day', limit: 50 };
const clock = { nowMs: () => 1_000, monotonicMs: () => 1_000 };
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
type Fault = 'not-applied' | 'applied-unacknowledged';

/** One ordered log in memory with several readers; each append can fail in either of two ways. */
function memoryLog(): LedgerLog & { failNext(fault: Fault): void; readonly entries: Logged[] } {
  const entries: Logged[] = [];
  const readers = new Set<(entry: Logged) => void>();
  let fault: Fault | undefined;
  return {
    entries,
    failNext: (next) => void (fault = next),
    async append(authored) {
      const now = fault;
      fault = undefined;
      if (now === 'not-applied') throw new Error('no answer');
      const entry = { authored, position: entries.length + 1, streamMs: authored.atMs };
      entries.push(entry);
      for (const reader of readers) queueMicrotask(() => reader(entry));
      if (now) throw new Error('no answer');
      return entry.position;
    },
    end: async () => entries.length,
    follow(onEntry, signal) {
      entries.forEach(onEntry);
      readers.add(onEntry);
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    },
  };
}

async function replica(log: LedgerLog, name: string) {
  const accountant = new Accountant(new Ledger([LIMIT]), log, clock, { replica: name, boot: 1 });
  await accountant.open(new AbortController().signal, quiet);
  return accountant;
}
const reserve = (key: string): Command => ({
  kind: 'reserve',
  key,
  tenant: 'acme',
  user: 'ada',
  amounts: { requests: 1 },
  lifeMs: 60_000,
});

describe('three replicas of the budget', () => {
  it('grant exactly 50 of 1,000 requests at once', async () => {
    const log = memoryLog();
    const replicas = await Promise.all(['a', 'b', 'c'].map((name) => replica(log, name)));
    const outcomes = await Promise.all(
      Array.from({ length: 1_000 }, (_, n) => (replicas[n % 3] as Accountant).decide(reserve(`k${n}`))),
    );
    expect(outcomes.filter((outcome) => outcome.kind === 'granted')).toHaveLength(50);
    for (const each of replicas) expect(each.usage({ tenant: 'acme', user: 'ada' })[0]).toMatchObject({ reserved: 50 });
  });

  it('know the same books as a replica that comes later', async () => {
    const log = memoryLog();
    const first = await replica(log, 'a');
    await first.decide(reserve('k'));
    const late = await replica(log, 'b');
    expect(late.usage({ tenant: 'acme', user: 'ada' })).toEqual(first.usage({ tenant: 'acme', user: 'ada' }));
  });
});

describe.each(['not-applied', 'applied-unacknowledged'] as const)('an append that fails (%s)', (fault) => {
  it('is reported as unavailable, and the repeated command holds once', async () => {
    const log = memoryLog();
    const accountant = await replica(log, 'a');
    log.failNext(fault);
    await expect(accountant.decide(reserve('k'))).rejects.toMatchObject({ code: 'budget-unavailable', retryable: true });
    expect((await accountant.decide(reserve('k'))).kind).toBe('granted');
    expect(accountant.usage({ tenant: 'acme', user: 'ada' })[0]).toMatchObject({ reserved: 1 });
  });
});
