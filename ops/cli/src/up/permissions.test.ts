import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { SERVICES, SUBJECTS } from '@smartlite/contracts';
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
    const bus = await connect({ servers: `${address.host}:${address.port}`, user, pass: password, reconnect: false });
    onTestFinished(() => bus.close());
    return bus;
  };
}

/** Whether the server lets this user publish there. Its refusal comes before the answer to the flush. */
async function mayPublish(bus: NatsConnection, subject: string): Promise<boolean> {
  const errors: string[] = [];
  const status = bus.status();
  void (async () => {
    for await (const { type, data } of status) if (type === 'error') errors.push(JSON.stringify(data));
  })();
  bus.publish(subject);
  await bus.flush();
  await new Promise((resolve) => setImmediate(resolve));
  return !errors.some((error) => error.includes('PERMISSIONS_VIOLATION'));
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

  it('lets a service make streams and read them', async () => {
    const open = await startServer();
    const bus = await open('asr-1');
    const manager = await bus.jetstreamManager();
    await manager.streams.add({ name: 'smartlite-events', subjects: ['smartlite.event.>'] });
    await bus.jetstream().publish('smartlite.event.route.changed', '{}');
    const consumer = await bus.jetstream().consumers.get('smartlite-events');
    expect((await consumer.next())?.subject).toBe('smartlite.event.route.changed');
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
