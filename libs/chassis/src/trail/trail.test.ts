import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditEntry } from '@smartlite/contracts';
import { manualClock, seededIds, temporaryFolder } from '@smartlite/testkit';
import { describe, expect, it } from 'vitest';
import { claimLeftovers, markOwner } from './leftover.ts';
import { openSpool, SPOOL_FILE } from './spool.ts';
import { startTrail, type TrailParts } from './trail.ts';

const silent = () => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };
const GONE_PID = 999_999;
const forever = new AbortController().signal;

/** A trail over a real spool, and a store that fails as the test says. */
function trailIn(folder: string, store: TrailParts['store'], leftovers: TrailParts['leftovers'] = [], seed = 1) {
  const spool = openSpool(folder);
  return startTrail({
    service: 'llm',
    instance: 'llm-1',
    clock: manualClock(),
    ids: seededIds(seed),
    log,
    spool,
    leftovers,
    store,
  });
}
const spooled = (folder: string) => readFileSync(join(folder, SPOOL_FILE), 'utf8');
const parse = (data: Uint8Array) => JSON.parse(new TextDecoder().decode(data)) as AuditEntry;

describe('an audit entry', () => {
  it('lies in the spool before its id is returned, and leaves it when it is stored', async () => {
    using folder = temporaryFolder();
    const stored: AuditEntry[] = [];
    const gate = Promise.withResolvers<void>();
    const trail = trailIn(folder.path, async (_subject, _id, data) => (await gate.promise, void stored.push(parse(data))));
    const id = trail.record('model.loaded', { model: 'nano' }, { actor: 'alice', traceId: 'a'.repeat(32) });
    expect(JSON.parse(spooled(folder.path))).toMatchObject({
      id,
      kind: 'model.loaded',
      actor: 'alice',
      counter: 1,
      producer: 'llm-1',
      service: 'llm',
      facts: { model: 'nano' },
    });
    gate.resolve();
    await trail.stop(forever);
    expect(stored).toMatchObject([{ id }]);
    expect(spooled(folder.path)).toBe('');
  });

  it('has an id of its own: producer, boot and a rising counter', () => {
    using folder = temporaryFolder();
    const trail = trailIn(folder.path, async () => {});
    const ids = [1, 2, 3].map(() => trail.record('model.loaded', {}));
    expect(ids.map((id) => id.split('.')[2])).toEqual(['1', '2', '3']);
    expect(new Set(ids.map((id) => id.split('.').slice(0, 2).join('.')))).toEqual(new Set([ids[0]?.replace(/\.1$/, '')]));
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
      if (seen.length === 1) throw new Error('timeout');
    });
    const id = trail.record('model.loaded', {});
    await trail.stop(forever);
    expect(seen).toEqual([id, id]);
  });
});

describe('a process that was killed', () => {
  it('leaves its entries to the next one, which delivers and then forgets them', async () => {
    using home = temporaryFolder();
    const old = join(home.path, 'llm-old');
    const killed = trailIn(old, () => new Promise(silent));
    const id = killed.record('model.loaded', { model: 'nano' });
    markOwner(old, GONE_PID);
    const leftovers = claimLeftovers(home.path, { pid: process.pid, isAlive: (pid) => pid !== GONE_PID });
    const delivered = Promise.withResolvers<string>();
    const trail = trailIn(join(home.path, 'llm-new'), async (_subject, stored) => delivered.resolve(stored), leftovers, 2);
    expect(await delivered.promise).toBe(id);
    await expect
      .poll(() => claimLeftovers(home.path, { pid: GONE_PID, isAlive: () => false }).flatMap(({ entries }) => entries))
      .toEqual([]);
    await trail.stop(forever);
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
