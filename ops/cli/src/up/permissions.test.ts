import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { SERVICES, STREAMS, SUBJECTS } from '@smartlite/contracts';
import { connect, type NatsConnection } from 'nats';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freeAddress, temporaryPlace } from './fixtures/mesh.ts';
import { writeNatsFiles } from './nats-config.ts';
import { spawnNatsServer, waitForNats } from './nats-server.ts';

const USERS = [
  ...SERVICES.map((service) => ({ service, instance: `${service}-1` })),
  { service: 'cli', instance: 'cli' },
  { service: 'client', instance: 'client' },
];

async function startServer(): Promise<(instance: string) => Promise<NatsConnection>> {
  const place = temporaryPlace();
  const address = await freeAddress();
  const { config, credentials } = await writeNatsFiles(place.nats, { root: place.root, address, users: USERS });
  const server = spawnNatsServer(config);
  onTestFinished(async () => {
    const exited = server.exitCode === null ? once(server, 'exit') : undefined;
    server.kill('SIGKILL');
    await exited;
    place[Symbol.dispose]();
  });
  await waitForNats(address, { alive: () => server.exitCode === null });
  return async (instance) => {
    const { user, password } = JSON.parse(readFileSync(credentials.get(instance) ?? '', 'utf8')) as {
      user: string;
      password: string;
    };
    const bus = await connect({
      servers: `${address.host}:${address.port}`,
      user,
      pass: password,
      inboxPrefix: SUBJECTS.inbox(user),
      reconnect: false,
    });
    onTestFinished(() => bus.close());
    return bus;
  };
}

/** Whether the server lets this user do so. Its refusal comes before the answer to the flush. */
async function may(bus: NatsConnection, attempt: () => void): Promise<boolean> {
  const errors: string[] = [];
  const status = bus.status();
  void (async () => {
    for await (const { type, data } of status) if (type === 'error') errors.push(JSON.stringify(data));
  })();
  attempt();
  await bus.flush();
  await new Promise((resolve) => setImmediate(resolve));
  return !errors.some((error) => error.includes('PERMISSIONS_VIOLATION'));
}

const mayPublish = (bus: NatsConnection, subject: string) => may(bus, () => bus.publish(subject));
const mayListen = (bus: NatsConnection, subject: string) => may(bus, () => void bus.subscribe(subject, { callback: () => {} }));

/** Of these subjects, those that the user may use after all. */
async function permitted(
  bus: NatsConnection,
  subjects: readonly string[],
  may: (bus: NatsConnection, subject: string) => Promise<boolean>,
): Promise<readonly string[]> {
  const allowed: string[] = [];
  for (const subject of subjects) if (await may(bus, subject)) allowed.push(subject);
  return allowed;
}

/** Every request to JetStream that reads a stream, changes it, or takes something out of it. */
function requestsOn(stream: string): readonly string[] {
  const onStream = ['DELETE', 'PURGE', 'UPDATE', 'MSG.DELETE', 'SNAPSHOT', 'RESTORE', 'LEADER.STEPDOWN', 'PEER.REMOVE'];
  const onConsumer = ['CREATE', 'DURABLE.CREATE', 'DELETE', 'MSG.NEXT', 'INFO'];
  return [
    ...onStream.map((request) => `$JS.API.STREAM.${request}.${stream}`),
    ...onConsumer.map((request) => `$JS.API.CONSUMER.${request}.${stream}.stolen`),
    `$JS.ACK.${stream}.stolen.1.1.1.1.0`,
  ];
}

describe('users of the mesh’s NATS', () => {
  it('lets each publish what is its own alone: the status a verifier, the ledger a budget, receipts the audit, an ack its instance', async () => {
    const open = await startServer();
    const owners: Readonly<Record<string, readonly string[]>> = {
      [SUBJECTS.lockStatus]: ['verifier'],
      [`${SUBJECTS.control}.entry.x`]: ['verifier'],
      [`${SUBJECTS.ledger}.x`]: ['budget'],
      [SUBJECTS.auditReceipt('x')]: ['audit'],
      [SUBJECTS.securityAlert]: ['verifier', 'audit'],
      [SUBJECTS.lockAck('llm', 'llm-1')]: ['llm'],
      [SUBJECTS.lockAck('llm', 'llm-2')]: [],
      [SUBJECTS.trace('tts')]: ['tts'],
      [SUBJECTS.audit('gateway')]: ['gateway'],
    };
    for (const { service, instance } of USERS) {
      const bus = await open(instance);
      for (const [subject, may] of Object.entries(owners))
        expect([instance, subject, await mayPublish(bus, subject)]).toEqual([instance, subject, may.includes(service)]);
    }
  });

  it('lets nobody but its owner purge a log', async () => {
    const open = await startServer();
    expect(await mayPublish(await open('asr-1'), '$JS.API.STREAM.PURGE.smartlite-control')).toBe(false);
    expect(await mayPublish(await open('verifier-1'), '$JS.API.STREAM.PURGE.smartlite-ledger')).toBe(false);
  });

  it('lets the budget keep, replace and remove its ledger’s snapshots, and no other service write them', async () => {
    const open = await startServer();
    const store = await (await open('budget-1')).jetstream().views.os('smartlite-ledger-snapshots');
    for (const word of ['first', 'second']) await store.putBlob({ name: 'latest' }, Buffer.from(word));
    expect(Buffer.from((await store.getBlob('latest')) ?? []).toString()).toBe('second');
    await store.delete('latest');
    expect(await store.getBlob('latest')).toBeNull();
    const stranger = await open('asr-1');
    for (const subject of ['$O.smartlite-ledger-snapshots.M.x', '$JS.API.STREAM.PURGE.OBJ_smartlite-ledger-snapshots'])
      expect([subject, await mayPublish(stranger, subject)]).toEqual([subject, false]);
  });

  it('lets a service make the streams that all rely on and publish events, and a client and the command line read them', async () => {
    const open = await startServer();
    const bus = await open('asr-1');
    const manager = await bus.jetstreamManager();
    await manager.streams.add({ name: 'smartlite-events', subjects: ['smartlite.event.>'] });
    await bus.jetstream().publish('smartlite.event.route.changed', '{}');
    for (const reader of ['client', 'cli']) {
      const jetstream = (await open(reader)).jetstream();
      const consumer = await jetstream.consumers.get('smartlite-events', { filterSubjects: 'smartlite.event.>' });
      expect((await consumer.next())?.subject).toBe('smartlite.event.route.changed');
    }
  });

  it('lets an instance answer NATS micro discovery to the command line', async () => {
    const open = await startServer();
    const [service, cli] = [await open('asr-1'), await open('cli')];
    await service.services.add({ name: 'smartlite-asr', version: '0.1.0' });
    await service.flush();
    expect((await cli.request('$SRV.PING')).json()).toMatchObject({ name: 'smartlite-asr' });
  });

  it('lets a client read events, and publish nothing that changes anything', async () => {
    const open = await startServer();
    const client = await open('client');
    const denied = ['smartlite.event.mode.changed', 'smartlite.lock.status', 'smartlite.lock.alarm', 'smartlite.audit.cli'];
    const requests = ['STREAM.CREATE.x', 'STREAM.PURGE.smartlite-events', 'CONSUMER.CREATE.smartlite-control.x', 'STREAM.NAMES'];
    for (const subject of [...denied, ...requests.map((request) => `$JS.API.${request}`)])
      expect([subject, await mayPublish(client, subject)]).toEqual([subject, false]);
    expect(await mayPublish(client, '$JS.API.CONSUMER.CREATE.smartlite-events.mine.smartlite.event.>')).toBe(true);
    expect(await mayPublish(client, 'smartlite.lock.nonce')).toBe(true);
  });

  it('lets nobody take away the last lock status or the events', async () => {
    const open = await startServer();
    for (const instance of ['asr-1', 'verifier-1', 'cli'])
      for (const stream of ['smartlite-lock', 'smartlite-events'])
        expect(await mayPublish(await open(instance), `$JS.API.STREAM.DELETE.${stream}`)).toBe(false);
  });

  it('lets nobody in without a password', async () => {
    const open = await startServer();
    const bus = await open('cli');
    await expect(connect({ servers: bus.getServer(), reconnect: false })).rejects.toThrow(/Authorization Violation/i);
  });
});

describe('stolen NATS credentials of a gateway, an asr, or a client', () => {
  const THIEVES = ['gateway-1', 'asr-1', 'client'];

  it('publish no lock status, no ack of another, no entry of a log, no receipt and no alert', async () => {
    const open = await startServer();
    const subjects = [
      SUBJECTS.lockStatus,
      SUBJECTS.lockAck('llm', 'llm-1'),
      SUBJECTS.control,
      `${SUBJECTS.control}.entry.x`,
      SUBJECTS.ledger,
      SUBJECTS.audit('llm'),
      SUBJECTS.auditReceipt('llm-1'),
      SUBJECTS.trace('llm'),
      SUBJECTS.drain('llm', 'llm-1'),
      SUBJECTS.securityAlert,
    ];
    for (const thief of THIEVES) expect([thief, await permitted(await open(thief), subjects, mayPublish)]).toEqual([thief, []]);
  });

  it('take nothing out of any stream, change none, and read no log, neither by a consumer of their own nor by its owner’s', async () => {
    const open = await startServer();
    const streams = [...Object.values(STREAMS), 'OBJ_smartlite-ledger-snapshots'];
    const all = [
      ...streams.flatMap(requestsOn),
      '$JS.API.STREAM.CREATE.stolen',
      '$JS.API.STREAM.NAMES',
      '$JS.API.ACCOUNT.PURGE.MESH',
    ];
    for (const thief of ['gateway-1', 'asr-1'])
      expect([thief, await permitted(await open(thief), all, mayPublish)]).toEqual([thief, []]);
    const events = ['CREATE', 'DELETE', 'MSG.NEXT', 'INFO'].map(
      (request) => `$JS.API.CONSUMER.${request}.smartlite-events.stolen`,
    );
    expect(await permitted(await open('client'), all, mayPublish)).toEqual(events);
  });

  it('of another service are no better: each owner reads its own log alone, and nobody takes a word out of the control log', async () => {
    const open = await startServer();
    // The audit reads in the control log who writes the trail.
    const owners = { 'verifier-1': ['control'], 'budget-1': ['ledger'], 'audit-1': ['audit', 'control'] };
    for (const [owner, logs] of Object.entries(owners)) {
      const others = Object.values(STREAMS).filter((stream) => !logs.includes(stream.replace('smartlite-', '')));
      expect([owner, await permitted(await open(owner), others.flatMap(requestsOn), mayPublish)]).toEqual([owner, []]);
    }
    const control = ['DELETE', 'PURGE', 'UPDATE', 'MSG.DELETE'].map((request) => `$JS.API.STREAM.${request}.smartlite-control`);
    for (const { instance } of USERS) expect(await permitted(await open(instance), control, mayPublish)).toEqual([]);
  });

  it('hear no answers to others, no questions to the leader, and none of audit, ledger, control and traces', async () => {
    const open = await startServer();
    const subjects = [
      '>',
      '_INBOX.>',
      '_INBOX.llm-1.>',
      '$JS.>',
      'smartlite.>',
      SUBJECTS.lockNonce,
      SUBJECTS.audits,
      SUBJECTS.traces,
    ];
    const logs = [SUBJECTS.control, `${SUBJECTS.control}.>`, SUBJECTS.ledger, SUBJECTS.lockAcks, '$O.>'];
    for (const thief of THIEVES)
      expect([thief, await permitted(await open(thief), [...subjects, ...logs], mayListen)]).toEqual([thief, []]);
  });

  it('answer nobody who has not asked them', async () => {
    const open = await startServer();
    for (const thief of THIEVES)
      expect([thief, await permitted(await open(thief), ['_INBOX.llm-1.x', '_INBOX.client.x'], mayPublish)]).toEqual([thief, []]);
  });
});
