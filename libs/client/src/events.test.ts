import { createBus, ensureStreams } from '@smartlite/chassis/parts';
import { STREAMS, SUBJECTS } from '@smartlite/contracts';
import { natsServer, seededIds, temporaryFolder, testDomain } from '@smartlite/testkit';
import { signNotice } from '@smartlite/trust';
import { connect, type NatsConnection } from 'nats';
import { describe, expect, it } from 'vitest';
import { type Gap, type MeshEvent, type Refused } from './events.ts';
import { connectMesh, type Mesh } from './mesh.ts';

/** What is waited for comes at once on an idle machine; a busy one gets time. */
const PATIENCE = { timeout: 30_000 };

type Domain = Awaited<ReturnType<typeof testDomain>>;
const SYSTEM = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

/** An instance that publishes events as every service does. */
async function publisher(url: string, domain: Domain, seed = 1) {
  const nats = await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  await ensureStreams(await nats.jetstreamManager(), 1);
  const identity = await domain.identity('instance', `asr-${seed}`);
  const bus = createBus({
    nats,
    service: 'asr',
    instance: `asr-${seed}`,
    clock: SYSTEM,
    ids: seededIds(seed),
    mode: () => 'normal',
    sign: (notice, body) => Buffer.from(signNotice(notice, body, domain.keys.trust, identity)).toString('base64'),
  });
  const say = (because: string) => bus.publishEvent('route.changed', { service: 'asr', tier: 't', from: 'a', to: 'b', because });
  return { nats, bus, say, [Symbol.asyncDispose]: () => nats.close() };
}

async function ground() {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await natsServer());
  const domain = stack.use(await testDomain());
  const asr = stack.use(await publisher(server.url, domain));
  const mesh = stack.use(await connectMesh({ servers: server.url, trust: domain.keys.trust }));
  const moved = stack.move();
  return { url: server.url, domain, asr, mesh, [Symbol.asyncDispose]: () => moved.disposeAsync() };
}

async function take(mesh: Mesh, count: number, options: Parameters<Mesh['events']>[0] = { after: 'beginning' }) {
  const taken: MeshEvent[] = [];
  for await (const event of mesh.events(options)) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}
const reasons = (events: readonly MeshEvent[]) => events.map((event) => event.type === 'route.changed' && event.data.because);
const stored = async (nats: NatsConnection) =>
  (await (await nats.jetstreamManager()).streams.info(STREAMS.events)).state.messages;

describe('a subscriber to events', () => {
  it('gets all of them in order, typed, with who signed them', async () => {
    await using mesh = await ground();
    for (const text of ['one', 'two', 'three']) mesh.asr.say(text);
    const events = await take(mesh.mesh, 3);
    expect(reasons(events)).toEqual(['one', 'two', 'three']);
    expect(events[0]).toMatchObject({ type: 'route.changed', source: '/smartlite/asr/asr-1' });
    expect(events[0]?.keyId).toMatch(/^[0-9a-f]{64}$/);
  });

  it('goes on behind the position that it has seen last', async () => {
    await using mesh = await ground();
    for (const text of ['one', 'two', 'three']) mesh.asr.say(text);
    const [, second] = await take(mesh.mesh, 2);
    expect(reasons(await take(mesh.mesh, 1, { after: second?.position }))).toEqual(['three']);
  });

  it('that names no position gets what comes from now on', async () => {
    await using mesh = await ground();
    mesh.asr.say('before');
    await expect.poll(() => stored(mesh.asr.nats), PATIENCE).toBe(1);
    const next = mesh.mesh.events()[Symbol.asyncIterator]();
    const first = next.next();
    // The subscription stands when a later event comes through it; earlier ones are none of its business.
    const timer = setInterval(() => mesh.asr.say('after'), 50);
    const event = (await first).value as MeshEvent;
    clearInterval(timer);
    await next.return?.();
    expect(reasons([event])).toEqual(['after']);
  });

  it('misses nothing while NATS is killed and comes back', async () => {
    using folder = temporaryFolder();
    using domain = await testDomain();
    const first = await natsServer({ folder: folder.path });
    await using asr = await publisher(first.url, domain);
    await using mesh = await connectMesh({ servers: first.url, trust: domain.keys.trust });
    const all = take(mesh, 4);
    asr.say('one');
    asr.say('two');
    await expect.poll(() => stored(asr.nats), PATIENCE).toBe(2);
    await first.kill();
    await using second = await natsServer({ folder: folder.path, port: Number(new URL(first.url).port) });
    await using later = await publisher(second.url, domain, 2);
    later.say('three');
    later.say('four');
    expect(reasons(await all)).toEqual(['one', 'two', 'three', 'four']);
  });

  it('ends with its signal', async () => {
    await using mesh = await ground();
    const ending = new AbortController();
    mesh.asr.say('one');
    const seen: MeshEvent[] = [];
    for await (const event of mesh.mesh.events({ after: 'beginning', signal: ending.signal })) {
      seen.push(event);
      ending.abort();
    }
    expect(seen).toHaveLength(1);
  });
});

describe('events that are gone', () => {
  it('are told as a gap, with which, and the rest follows', async () => {
    await using mesh = await ground();
    for (const text of ['one', 'two', 'three', 'four']) mesh.asr.say(text);
    const [one] = await take(mesh.mesh, 1);
    await (await mesh.asr.nats.jetstreamManager()).streams.purge(STREAMS.events, { seq: 4 });
    const gaps: Gap[] = [];
    const rest = await take(mesh.mesh, 1, { after: one?.position, onGap: (gap) => gaps.push(gap) });
    expect(reasons(rest)).toEqual(['four']);
    expect(gaps).toMatchObject([{ missing: { from: 2, to: 3 } }]);
  });

  it('are an error for who has not said what to do about it: none is passed over in silence', async () => {
    await using mesh = await ground();
    for (const text of ['one', 'two', 'three']) mesh.asr.say(text);
    await take(mesh.mesh, 3);
    await (await mesh.asr.nats.jetstreamManager()).streams.deleteMessage(STREAMS.events, 2);
    await expect(take(mesh.mesh, 3)).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('2 to 2') });
  });

  it('with their whole stream are told too', async () => {
    await using mesh = await ground();
    mesh.asr.say('one');
    const [one] = await take(mesh.mesh, 1);
    const manager = await mesh.asr.nats.jetstreamManager();
    await manager.streams.delete(STREAMS.events);
    await ensureStreams(manager, 1);
    mesh.asr.say('anew');
    const gaps: Gap[] = [];
    expect(reasons(await take(mesh.mesh, 1, { after: one?.position, onGap: (gap) => gaps.push(gap) }))).toEqual(['anew']);
    expect(gaps).toMatchObject([{ missing: null }]);
  });
});

describe('an event that the fleet has not signed', () => {
  it('is refused by name and not delivered: unsigned, of another fleet, with other data, on another subject', async () => {
    await using mesh = await ground();
    using other = await testDomain({ fleet: 'other-fleet' });
    await using stranger = await publisher(mesh.url, other, 2);
    mesh.asr.say('true');
    await take(mesh.mesh, 1);
    const jetstream = mesh.asr.nats.jetstream();
    const genuine = await (await mesh.asr.nats.jetstreamManager()).streams.getMessage(STREAMS.events, { seq: 1 });
    genuine.header.delete('Nats-Msg-Id');
    await jetstream.publish(SUBJECTS.event('route.changed'), '{"because":"unsigned"}');
    stranger.say('of another fleet');
    await stranger.nats.flush();
    await jetstream.publish(SUBJECTS.event('route.changed'), '{"because":"other data"}', { headers: genuine.header });
    await jetstream.publish(SUBJECTS.event('mode.changed'), genuine.data, { headers: genuine.header });
    mesh.asr.say('true again');
    const refused: Refused[] = [];
    const events = await take(mesh.mesh, 2, { after: 'beginning', onRefused: (what) => refused.push(what) });
    expect(reasons(events)).toEqual(['true', 'true again']);
    expect(refused).toHaveLength(4);
  });
});

describe('a position that no event has carried', () => {
  it('is refused', async () => {
    await using mesh = await ground();
    await expect(take(mesh.mesh, 1, { after: 'yesterday' })).rejects.toMatchObject({ code: 'invalid-argument' });
  });
});

describe('a mesh that is not there', () => {
  it('is named', async () => {
    const { keys } = await testDomain();
    await expect(connectMesh({ servers: 'nats://127.0.0.1:9', trust: keys.trust })).rejects.toMatchObject({
      code: 'unavailable',
    });
    await expect(connectMesh({ servers: 'nats://127.0.0.1:9', trust: 'nowhere.json' })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });
});
