import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditEntry } from '@smartlite/contracts';
import { type AuditReceipt, sha256Hex, verifyTrailEntry } from '@smartlite/trust';
import { manualClock, seededIds, temporaryFolder } from '@smartlite/testkit';
import { describe, expect, it } from 'vitest';
import { claimLeftovers, markOwner } from './leftover.ts';
import { type Contradiction, LogMemory, type Seen, seenFile } from './logmemory.ts';
import { openSpool, SPOOL_FILE } from './spool.ts';
import { startTrail, type TrailParts } from './trail.ts';

const silent = () => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };
const GONE_PID = 999_999;
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const boot: ReturnType<TrailParts['bootSigner']> = {
  privateKey,
  certificate: Buffer.from('certificate'),
  receipt: ({ entry }, certificate) => ({ text: `receipt for ${entry}${certificate ? ' with certificate' : ''}`, digest: 'd' }),
};
const forever = new AbortController().signal;

/** A trail over a real spool, a store that fails as the test says, and receipts that the test gives. */
function trailIn(
  folder: string,
  store: TrailParts['store'] = async () => {},
  more: Partial<TrailParts> & { keyOpen?: boolean; seen?: Seen } = {},
  seed = 1,
) {
  const clock = manualClock();
  const listeners = new Map<string, (bytes: Uint8Array) => void>();
  const trail = startTrail({
    service: 'llm',
    instance: 'llm-1',
    clock,
    ids: seededIds(seed),
    log,
    spool: openSpool(folder),
    bootSigner: () => boot,
    leftovers: [],
    memory: new LogMemory({ read: () => more.seen, write: silent }, clock),
    graceMs: 60_000,
    store,
    listen: (producer, onReceipt) => (listeners.set(producer, onReceipt), () => void listeners.delete(producer)),
    open(bytes) {
      const receipt = JSON.parse(Buffer.from(bytes).toString()) as AuditReceipt & { forged?: boolean };
      if (receipt.forged) throw new Error('the signature does not hold');
      return receipt;
    },
    ...more,
  });
  const receipt = (entry: AuditEntry, change: object = {}) =>
    listeners.get(entry.producer)?.(
      Buffer.from(
        JSON.stringify({
          origin: 'log',
          size: 10_000,
          root: 'r',
          entries: [
            { id: entry.id, index: 10_000 + entry.counter, digest: sha256Hex(Buffer.from(JSON.stringify(entry))), ...change },
          ],
          ...change,
        }),
      ),
    );
  // The boot's own key comes first; what these tests are about comes after it.
  const [key] = lines(folder) as [AuditEntry];
  if (more.keyOpen !== true) receipt(key);
  return { ...trail, clock, receipt, key };
}
const lines = (folder: string) =>
  spooled(folder)
    .split('\n')
    .flatMap((line) => (line ? [JSON.parse(line) as AuditEntry] : []));
const spooled = (folder: string) => readFileSync(join(folder, SPOOL_FILE), 'utf8');
const parse = (data: Uint8Array) => JSON.parse(new TextDecoder().decode(data)) as AuditEntry;

describe('an audit entry', () => {
  it('lies in the spool before its id is returned, and leaves it on its receipt alone: stored on the bus is not enough', async () => {
    using folder = temporaryFolder();
    const stored = Promise.withResolvers<AuditEntry>();
    const trail = trailIn(folder.path, async (_subject, _id, data) => {
      if (parse(data).kind === 'model.loaded') stored.resolve(parse(data));
    });
    const id = trail.record('model.loaded', { model: 'nano' }, { actor: 'alice', traceId: 'a'.repeat(32) });
    expect(JSON.parse(spooled(folder.path))).toMatchObject({
      id,
      kind: 'model.loaded',
      actor: 'alice',
      counter: 2,
      producer: 'llm-1',
      service: 'llm',
      facts: { model: 'nano' },
    });
    const entry = await stored.promise;
    expect(lines(folder.path)).toEqual([entry]);
    trail.receipt(entry);
    expect(spooled(folder.path)).toBe('');
    await trail.stop(forever);
  });

  it('stays in the spool when a receipt is not proven, is about other bytes, or about another entry', async () => {
    using folder = temporaryFolder();
    const trail = trailIn(folder.path);
    trail.record('model.loaded', {});
    const [entry] = lines(folder.path) as [AuditEntry];
    for (const lie of [{ forged: true }, { digest: '0'.repeat(64) }, { id: 'llm-1.x.1' }]) trail.receipt(entry, lie);
    expect(lines(folder.path)).toEqual([entry]);
    trail.receipt(entry);
    expect(spooled(folder.path)).toBe('');
    await trail.stop(forever);
  });

  it('has an id of its own, 16 random bytes, and the digest of the one before', () => {
    using folder = temporaryFolder();
    const trail = trailIn(folder.path);
    for (let count = 0; count < 3; count += 1) trail.record('model.loaded', {});
    const entries = lines(folder.path);
    expect(entries.map(({ counter }) => counter)).toEqual([2, 3, 4]);
    expect(new Set(entries.map(({ id }) => id)).size).toBe(3);
    expect(new Set(entries.map(({ salt }) => salt)).size).toBe(3);
    expect(entries.map(({ salt }) => salt.length)).toEqual([32, 32, 32]);
    const digests = entries.map((entry) => sha256Hex(Buffer.from(JSON.stringify(entry))));
    expect(entries.map(({ previous }) => previous)).toEqual([
      sha256Hex(Buffer.from(JSON.stringify(trail.key))),
      ...digests.slice(0, 2),
    ]);
    expect(trail.key).toMatchObject({ kind: 'key.certified', counter: 1, previous: null, facts: { certificate: 'certificate' } });
    for (const entry of [trail.key, ...entries]) verifyTrailEntry(Buffer.from(JSON.stringify(entry)), publicKey);
  });
});

describe('a receipt for a caller', () => {
  it('names its entry, which names the receipt; with the boot’s certificate as long as the log may not hold it', () => {
    using folder = temporaryFolder();
    const statement = { request: {}, output: {}, stages: [] };
    const trail = trailIn(folder.path, undefined, { keyOpen: true });
    const give = () => trail.attest('turn.answered', { finish: 'stop' }, statement, { traceId: 't', actor: 'ann' });
    const { id, receipt } = give();
    expect(receipt).toBe(`receipt for ${id} with certificate`);
    expect(lines(folder.path).at(-1)).toMatchObject({
      id,
      kind: 'turn.answered',
      actor: 'ann',
      facts: { finish: 'stop', receipt: 'd' },
    });
    trail.receipt(trail.key);
    expect(give().receipt).not.toContain('certificate');
  });
});

describe('a bus that is away', () => {
  it('loses no entry: each is tried until it is stored, under the same id', async () => {
    using folder = temporaryFolder();
    const stored = new Map<string, number>();
    let failures = 2;
    const trail = trailIn(folder.path, async (_subject, id) => {
      if (failures-- > 0) throw new Error('no responders');
      stored.set(id, (stored.get(id) ?? 0) + 1);
    });
    const ids = [trail.record('model.loaded', {}), trail.record('model.unloaded', {})];
    await trail.stop(forever);
    expect([...stored.keys()].toSorted()).toEqual(ids.toSorted());
  });

  it('that had taken an entry but not said so gets the same id again, which it can drop', async () => {
    using folder = temporaryFolder();
    const seen: string[] = [];
    const trail = trailIn(folder.path, async (_subject, id) => {
      seen.push(id);
      if (seen.filter((each) => each === id).length === 1) throw new Error('timeout');
    });
    const id = trail.record('model.loaded', {});
    await trail.stop(forever);
    expect(seen.filter((each) => each === id)).toEqual([id, id]);
  });
});

describe('a receipt that does not come', () => {
  it('makes the entry be sent again, as another message, until it comes', async () => {
    using folder = temporaryFolder();
    const seen: string[] = [];
    const trail = trailIn(folder.path, async (_subject, messageId) => void seen.push(messageId));
    const id = trail.record('model.loaded', {});
    await expect.poll(() => seen, { timeout: 20_000 }).toContain(id);
    await expect.poll(() => (trail.clock.advance(5_000), seen), { timeout: 20_000 }).toContain(`${id}/1`);
    trail.receipt(lines(folder.path)[0] as AuditEntry);
    expect(spooled(folder.path)).toBe('');
    await trail.stop(forever);
  });

  it('refuses serving after the grace, and no longer once it has come', async () => {
    using folder = temporaryFolder();
    const trail = trailIn(folder.path);
    trail.record('model.loaded', {});
    trail.clock.advance(60_000);
    expect(trail.refusal()).toBeUndefined();
    trail.clock.advance(1);
    expect(trail.refusal()).toMatchObject({ code: 'audit-unavailable', retryable: true });
    trail.receipt(lines(folder.path)[0] as AuditEntry);
    expect(trail.refusal()).toBeUndefined();
    await trail.stop(forever);
  });
});

describe('an audit log that contradicts what it has acknowledged', () => {
  const seen = { origin: 'log', size: 10, root: 'r10' };
  const after = (said: object, { index = 10, times = 1 } = {}) => {
    using folder = temporaryFolder();
    const heard: Contradiction[] = [];
    const trail = trailIn(folder.path, undefined, { seen, keyOpen: true, onContradiction: (each) => void heard.push(each) });
    for (let count = 0; count < times; count += 1) {
      const id = trail.record('model.loaded', {});
      trail.receipt(lines(folder.path).find((entry) => entry.id === id) as AuditEntry, { index, ...said });
    }
    const logged = lines(folder.path).filter(({ kind }) => kind === 'log.contradicted');
    return { heard: heard.map(({ code }) => code), logged: logged.map(({ facts }) => facts['code']) };
  };

  it('is named, alerted and written down once: put back, or another history of the same size', () => {
    const complaint = (code: string) => ({ heard: [code], logged: [code] });
    expect(after({ size: 9, root: 'r9' }, { times: 2 })).toEqual(complaint('LOG_ROLLED_BACK'));
    expect(after({ size: 10, root: 'other' })).toEqual(complaint('LOG_FORKED'));
    // It has grown beyond what was seen, by other entries: a place that was taken has been given again.
    expect(after({ size: 20, root: 'r20' }, { index: 9 })).toEqual(complaint('LOG_ROLLED_BACK'));
  });

  it('is none when it grows, stays, or bears another name', () => {
    for (const said of [
      { size: 11, root: 'r11' },
      { size: 10, root: 'r10' },
      { origin: 'other', size: 1, root: 'x' },
    ])
      expect(after(said)).toEqual({ heard: [], logged: [] });
  });

  it('is remembered by the next process, the higher of what several have seen', () => {
    using folder = temporaryFolder();
    const file = seenFile(join(folder.path, 'seen.json'));
    const [one, other] = [new LogMemory(file, manualClock()), new LogMemory(file, manualClock())];
    one.take(seen, []);
    other.take({ ...seen, size: 7, root: 'r7' }, []);
    expect(new LogMemory(file, manualClock()).take({ ...seen, size: 8, root: 'r8' }, [])?.code).toBe('LOG_ROLLED_BACK');
  });

  it('cannot be pretended by a receipt that is repeated', () => {
    using folder = temporaryFolder();
    const heard: Contradiction[] = [];
    const trail = trailIn(folder.path, undefined, { seen, onContradiction: (each) => void heard.push(each) });
    heard.length = 0;
    trail.receipt(trail.key, { size: 1, root: 'r1' });
    expect(heard).toEqual([]);
  });
});

describe('a spool that is mostly receipted', () => {
  it('forgets what is, and keeps what is not', async () => {
    using folder = temporaryFolder();
    const trail = trailIn(folder.path);
    for (let count = 0; count < 1_200; count += 1) trail.record('model.loaded', { filler: 'x'.repeat(1_000) });
    const entries = lines(folder.path);
    for (const entry of entries.slice(1, 900)) trail.receipt(entry);
    expect(lines(folder.path).length).toBeLessThan(700);
    expect(lines(folder.path)).toEqual(expect.arrayContaining([entries[0], ...entries.slice(900)]));
    await trail.stop(forever);
  });
});

describe('a process that was killed', () => {
  it('leaves its entries to the next one, which forgets them once they are receipted', async () => {
    using home = temporaryFolder();
    const old = join(home.path, 'llm-old');
    const killed = trailIn(old, () => new Promise(silent));
    const id = killed.record('model.loaded', { model: 'nano' });
    const [entry] = lines(old) as [AuditEntry];
    markOwner(old, GONE_PID);
    const leftovers = claimLeftovers(home.path, { pid: process.pid, isAlive: (pid) => pid !== GONE_PID });
    expect(leftovers).toMatchObject([{ instance: 'llm-old', head: { boot: entry.boot, counter: 2 } }]);
    const delivered = Promise.withResolvers<string>();
    const trail = trailIn(
      join(home.path, 'llm-new'),
      async (_subject, stored) => void (stored === id && delivered.resolve(stored)),
      { leftovers },
      2,
    );
    const claimed = () => claimLeftovers(home.path, { pid: GONE_PID, isAlive: () => false }).flatMap(({ entries }) => entries);
    expect(await delivered.promise).toBe(id);
    trail.receipt(entry);
    expect(claimed()).toEqual([]);
    await trail.stop(forever);
  });

  it('has its last counter named by its next life, also when its spool was empty', async () => {
    using home = temporaryFolder();
    const folder = join(home.path, 'llm-1');
    const first = trailIn(folder);
    first.record('service.started', {});
    const [entry] = lines(folder) as [AuditEntry];
    first.receipt(entry);
    markOwner(folder, GONE_PID);
    const [leftover] = claimLeftovers(home.path, { pid: process.pid, isAlive: (pid) => pid !== GONE_PID });
    expect(leftover).toMatchObject({ entries: [], head: { boot: entry.boot, counter: 2 } });
    const next = trailIn(folder, undefined, { before: leftover?.head }, 2);
    next.record('service.stopped', {});
    expect([next.key, ...lines(folder)].map(({ before }) => before)).toEqual([{ boot: entry.boot, counter: 2 }, undefined]);
  });

  it('in the middle of a line loses that line alone, whose record never returned', () => {
    using home = temporaryFolder();
    const spool = openSpool(join(home.path, 'llm-old'));
    spool.append('{"id":"llm-old.00.1"}');
    spool.append('{"id":"llm-old.00.2');
    const [leftover] = claimLeftovers(home.path, { pid: process.pid, isAlive: () => false });
    expect(leftover?.entries.map(({ id }) => id)).toEqual(['llm-old.00.1']);
  });

  it('is not robbed while it lives', () => {
    using home = temporaryFolder();
    const folder = join(home.path, 'llm-other');
    openSpool(folder).append('{}');
    markOwner(folder, 4_711);
    expect(claimLeftovers(home.path, { pid: process.pid, isAlive: () => true })).toEqual([]);
  });
});

describe('a spool that is full', () => {
  it('refuses as audit-unavailable rather than forget', () => {
    using folder = temporaryFolder();
    const spool = openSpool(folder.path);
    const large = 'x'.repeat(1024 ** 2);
    for (let written = 1; written < 64; written += 1) spool.append(large);
    expect(() => spool.append(large)).toThrowError(expect.objectContaining({ code: 'audit-unavailable' }));
  });
});
