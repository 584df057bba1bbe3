import { readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ensureLocalKey, newClient, readClients, writeClients } from './api-key.ts';
import { temporaryPlace } from './fixtures/mesh.ts';

const NOW = Date.UTC(2030, 0, 1);
const FACTS = { user: 'u', tenant: 't', regions: [], operator: false, may_act_for: false };

describe('this machine’s own client', () => {
  it('gets a key at the first start and keeps it', async () => {
    using place = temporaryPlace();
    const key = await ensureLocalKey(place, NOW);
    expect(key).toMatch(/^slk_[A-Za-z0-9_-]{43}$/);
    expect(await ensureLocalKey(place, NOW)).toBe(key);
  });

  it('leaves its key for its owner alone, and only the digest for the gateway', async () => {
    using place = temporaryPlace();
    const key = await ensureLocalKey(place, NOW);
    expect([place.apiKey, place.clients].map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600]);
    expect(readFileSync(place.clients, 'utf8')).not.toContain(key);
  });

  it('gets a new key when it was revoked, and other clients stay', async () => {
    using place = temporaryPlace();
    const first = await ensureLocalKey(place, NOW);
    const { client } = newClient({ id: 'app', ...FACTS }, NOW);
    await writeClients(place.clients, [client]);
    expect(await ensureLocalKey(place, NOW)).not.toBe(first);
    expect((await readClients(place.clients)).map(({ id }) => id)).toEqual(['app', 'local']);
  });
});

describe('a clients file', () => {
  it('that is not there has no clients', async () => {
    using place = temporaryPlace();
    expect(await readClients(place.clients)).toEqual([]);
  });

  it('refuses a name that could be mistaken in a log or a path', () => {
    expect(() => newClient({ id: '../x', ...FACTS }, NOW)).toThrow(/Client \.\.\/x/);
  });
});
