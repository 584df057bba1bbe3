import { testDomain, type TestDomain } from '@smartlite/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXCHANGES } from './fixtures/exchange.ts';
import type { EngineProcess } from './host.ts';
import { createEngineHost, type RunningHost } from './start.ts';

/** What the engine held after an exchange of its original, and what then lay on the disk. */
interface Held {
  readonly exchange: string;
  readonly holds: string;
  readonly disk: string;
}

const silent = () => {};
const alarms: string[] = [];
let domain: TestDomain;
const hosts: RunningHost[] = [];
beforeAll(async () => {
  domain = await testDomain();
});
afterAll(() => {
  for (const host of hosts) host.close();
  domain[Symbol.dispose]();
});

/** A real engine process that loads by the real loader, and in between exchanges the original. */
async function start(as: 'bytes' | 'file', settings: object = {}) {
  const host = createEngineHost({
    models: await domain.modelFiles(),
    log: { debug: silent, info: silent, warn: silent, error: silent },
    guard: { alarm: ({ code }) => void alarms.push(code) },
    engines: { scripted: new URL(`./fixtures/exchange.ts?as=${as}`, import.meta.url) },
  });
  hosts.push(host);
  const engine: EngineProcess<string, Held> = await host.start('mind', {
    settings: { file: domain.artifact('mind'), ...settings },
  });
  return engine;
}

describe.each(['bytes', 'file'] as const)('verified-bytes: an engine that takes its artifact as %s', (as) => {
  it('holds what was hashed, in whatever way the original is exchanged before it reads', async () => {
    const engine = await start(as);
    const [signed] = engine.artifactDigests;
    const seen: Held[] = [];
    for await (const held of engine.run('', new AbortController().signal)) seen.push(held);
    expect(seen.map(({ exchange }) => exchange)).toEqual(Object.keys(EXCHANGES));
    for (const { exchange, holds, disk } of seen) {
      expect([exchange, holds]).toEqual([exchange, signed]);
      expect([exchange, disk]).not.toEqual([exchange, signed]);
    }
  });
});

describe('verified-bytes: a private copy that is written to by its own path', () => {
  it('keeps the engine from serving, and raises an alarm', async () => {
    await expect(start('file', { through: true })).rejects.toMatchObject({
      code: 'unavailable',
      facts: { finding: 'DIGEST_MISMATCH' },
    });
    expect(alarms).toEqual(['DIGEST_MISMATCH']);
  });
});
