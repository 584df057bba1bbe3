import { STREAMS, SUBJECTS } from '@smartlite/contracts';
import { manualClock, natsServer, seededIds, temporaryFolder, testDomain } from '@smartlite/testkit';
import { AckPolicy, connect } from 'nats';
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../telemetry/metrics.ts';
import { openTrail } from '../trail/open.ts';
import { createBus } from './bus.ts';
import { connectNats } from './connect.ts';
import { ensureStreams, keepStreams } from './streams.ts';

const silent = () => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };
const where = (natsUrl: string) => ({ natsUrl, natsCredentials: undefined, name: 'test' });

describe('the streams', () => {
  it('are made by whoever comes first, and left alone by all others', async () => {
    await using server = await natsServer();
    const nats = await connectNats(where(server.url), log);
    const manager = await nats.jetstreamManager();
    await Promise.all([1, 2, 3].map(() => ensureStreams(manager, 1)));
    await manager.streams.update(STREAMS.events, { max_bytes: 1_000_000 });
    await ensureStreams(manager, 1);
    expect((await manager.streams.info(STREAMS.events)).config.max_bytes).toBe(1_000_000);
    expect((await manager.streams.names().next()).toSorted()).toEqual(
      [STREAMS.audit, STREAMS.events, STREAMS.lock, STREAMS.traces].toSorted(),
    );
    await nats.close();
  });

  it('keep the last lock status alone', async () => {
    await using server = await natsServer();
    const nats = await connectNats(where(server.url), log);
    const manager = await nats.jetstreamManager();
    await ensureStreams(manager, 1);
    for (const beat of ['1', '2', '3']) await nats.jetstream().publish(SUBJECTS.lockStatus, beat);
    expect((await manager.streams.info(STREAMS.lock)).state.messages).toBe(1);
    expect((await manager.streams.getMessage(STREAMS.lock, { last_by_subj: SUBJECTS.lockStatus })).string()).toBe('3');
    await nats.close();
  });
});

describe('an event', () => {
  it('is a CloudEvent in binary mode: attributes in headers, the data alone in the body', async () => {
    await using server = await natsServer();
    const nats = await connectNats(where(server.url), log);
    const heard = Promise.withResolvers<unknown>();
    nats.subscribe(SUBJECTS.event('route.changed'), {
      callback: (_error, message) => {
        const names = ['ce-specversion', 'ce-type', 'ce-source', 'ce-time', 'content-type'];
        heard.resolve({
          data: message.json(),
          attributes: names.map((name) => message.headers?.get(name)),
          sameId: message.headers?.get('ce-id') === message.headers?.get('Nats-Msg-Id'),
        });
      },
    });
    const data = { service: 'llm', tier: 'lite', from: 'a', to: 'b', because: 'slow' } as const;
    createBus({
      nats,
      service: 'llm',
      instance: 'llm-1',
      clock: manualClock(),
      ids: seededIds(),
      mode: () => 'normal',
    }).publishEvent('route.changed', data);
    expect(await heard.promise).toEqual({
      data,
      attributes: ['1.0', 'smartlite.route.changed', '/smartlite/llm/llm-1', '2026-01-01T00:00:00.000Z', 'application/json'],
      sameId: true,
    });
    await nats.close();
  });
});

describe('NATS that is killed and comes back', () => {
  it('finds the same connections again, and every audit entry that was recorded meanwhile', async () => {
    using folder = temporaryFolder();
    using home = temporaryFolder();
    using domain = await testDomain();
    const { trust } = await domain.modelFiles();
    const first = await natsServer({ folder: folder.path });
    const nats = await connectNats(where(first.url), log);
    await ensureStreams(await nats.jetstreamManager(), 1);
    const trail = openTrail({
      service: 'llm',
      instance: 'llm-1',
      clock: manualClock(),
      ids: seededIds(),
      log,
      metrics: createMetrics('llm', { process: false }),
      home: home.path,
      nats,
      trust,
      identity: await domain.identity('instance', 'llm-1'),
      graceMs: 0,
    });
    trail.record('model.loaded', { model: 'before' });
    await first.kill();
    trail.record('model.loaded', { model: 'meanwhile' });
    await using second = await natsServer({ folder: folder.path, port: Number(new URL(first.url).port) });
    trail.record('model.loaded', { model: 'after' });
    await trail.stop(new AbortController().signal);
    const reader = await connect({ servers: second.url });
    const manager = await reader.jetstreamManager();
    await manager.consumers.add(STREAMS.audit, { durable_name: 'reader', ack_policy: AckPolicy.None });
    const consumer = await reader.jetstream().consumers.get(STREAMS.audit, 'reader');
    const models: string[] = [];
    for await (const message of await consumer.fetch({ max_messages: 4, expires: 5_000 }))
      models.push(message.json<{ facts: { model?: string } }>().facts.model ?? 'key');
    // The first entry of a boot is its key.
    expect(models.toSorted()).toEqual(['after', 'before', 'key', 'meanwhile']);
    expect((await manager.streams.info(STREAMS.audit)).state.messages).toBe(4);
    await Promise.all([reader.close(), nats.close()]);
  });
});

describe('a NATS that comes back without its store', () => {
  it('gets the streams again from whoever is connected', async () => {
    const first = await natsServer();
    await using stack = new AsyncDisposableStack();
    const nats = await connectNats(where(first.url), log);
    stack.defer(() => nats.close());
    await ensureStreams(await nats.jetstreamManager(), 1);
    void keepStreams(nats, 1, log);
    await first.kill();
    await using second = await natsServer({ port: Number(new URL(first.url).port) });
    const reader = await connect({ servers: second.url });
    stack.defer(() => reader.close());
    const names = async () => {
      const all = await (await reader.jetstreamManager()).streams.list().next();
      return all.map(({ config: { name } }) => name).toSorted();
    };
    await expect
      .poll(names, { timeout: 30_000 })
      .toEqual([STREAMS.audit, STREAMS.events, STREAMS.lock, STREAMS.traces].toSorted());
  });
});

describe('NATS that is not there', () => {
  it('is named, with what to do, when the password is refused', async () => {
    using folder = temporaryFolder();
    await using server = await natsServer({ more: ['--user', 'a', '--pass', 'b'] });
    await expect(connectNats(where(server.url), log)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(server.url),
    });
    await expect(connectNats({ ...where(server.url), natsCredentials: `${folder.path}/none.json` }, log)).rejects.toThrow(
      /SMARTLITE_NATS_CREDENTIALS/,
    );
  });
});
