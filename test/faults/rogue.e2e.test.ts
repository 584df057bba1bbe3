import { readFileSync } from 'node:fs';
import { SUBJECTS } from '@smartlite/contracts';
import { type ServiceProcess, temporaryFolder } from '@smartlite/testkit';
import { type LockStatus, signAck, signAlarm, signStatus } from '@smartlite/trust';
import { connect, type NatsConnection } from 'nats';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freeAddress } from '../../ops/cli/src/up/fixtures/mesh.ts';
import { writeNatsFiles } from '../../ops/cli/src/up/nats-config.ts';
import { type Ground, ground, PATIENCE, recorded } from './ground.ts';

const USERS = [
  { service: 'verifier', instance: 'verifier-1' },
  { service: 'llm', instance: 'llm-1' },
  { service: 'asr', instance: 'asr-1' },
  { service: 'cli', instance: 'cli' },
];

let stack: AsyncDisposableStack;
beforeEach(() => {
  stack = new AsyncDisposableStack();
});
afterEach(() => stack.disposeAsync());

interface Guarded extends Ground {
  readonly llm: ServiceProcess;
  /** Connects with the credentials of that instance, wherever they were stolen. */
  readonly rogue: (instance: string) => Promise<NatsConnection>;
}

/** A fleet on a NATS that knows its users, as `npm start` sets it up; the test itself looks on as the command line. */
async function guarded(): Promise<Guarded> {
  const folder = stack.use(temporaryFolder());
  const root = new URL('../..', import.meta.url).pathname;
  const { config, credentials } = await writeNatsFiles(folder.path, { root, address: await freeAddress(), users: USERS });
  const fileOf = (instance: string) => credentials.get(instance) ?? '';
  const started = await ground(stack, { server: { config }, login: readLogin(fileOf('cli')) });
  const { fleet } = started;
  await fleet.start('verifier', 'verifier-1', { SMARTLITE_NATS_CREDENTIALS: fileOf('verifier-1') });
  const llm = await fleet.start('llm', 'llm-1', { SMARTLITE_NATS_CREDENTIALS: fileOf('llm-1') });
  await started.serves();
  return {
    ...started,
    llm,
    async rogue(instance) {
      const { user, password } = readLogin(fileOf(instance));
      const nats = await connect({ servers: fleet.server.url, user, pass: password, inboxPrefix: SUBJECTS.inbox(user) });
      stack.defer(() => nats.close());
      return nats;
    },
  };
}

function readLogin(file: string): { readonly user: string; readonly password: string } {
  return JSON.parse(readFileSync(file, 'utf8')) as { user: string; password: string };
}

describe('authentic-status: a rogue with the NATS credentials of another service', () => {
  it('is kept off the lock’s subjects by the server, and moves nobody', async () => {
    const { fleet, llm, rogue, ask } = await guarded();
    const all = recorded(fleet);
    await expect.poll(() => all.length, PATIENCE).toBeGreaterThan(2);
    const asr = await rogue('asr-1');
    const refusals: string[] = [];
    void (async () => {
      for await (const { type, data } of asr.status()) if (type === 'error') refusals.push(JSON.stringify(data));
    })();
    const subjects = [
      SUBJECTS.lockStatus,
      SUBJECTS.lockAck('llm', llm.instance),
      `${SUBJECTS.control}.entry.x`,
      SUBJECTS.securityAlert,
    ];
    const seen = all.length;
    for (const subject of subjects) asr.publish(subject, all[0]);
    await asr.flush();
    await expect.poll(() => refusals.length, PATIENCE).toBe(subjects.length);
    expect(all.slice(seen).filter((bytes) => Buffer.compare(bytes, all[0] ?? Buffer.of()) === 0)).toEqual([]);
    expect(await ask()).toMatchObject({ code: 'answered' });
  });

  it('even a verifier’s: no forged all-clear and no earlier status ends safe mode', async () => {
    const { fleet, rogue, refuses, ask } = await guarded();
    const all = recorded(fleet);
    await expect.poll(() => all.length, PATIENCE).toBeGreaterThan(2);
    await fleet.order({ action: 'enter', mode: 'safe', reason: 'drill' });
    await refuses();
    const status = fleet.status();
    if (status === undefined) throw new Error('no status was heard');
    const instance = await fleet.domain.identity('instance', 'asr-1');
    const allClear: LockStatus = { ...status, mode: 'normal', failures: [], resolved: status.failures.map(({ id }) => id) };
    const forged = [allClear, { ...allClear, epoch: status.epoch + 1 }, { ...allClear, revision: status.revision + 1 }];
    const verifier = await rogue('verifier-1');
    for (const bytes of [...all, ...forged.map((each) => signStatus(each, instance))])
      verifier.publish(SUBJECTS.lockStatus, bytes);
    await verifier.flush();
    await expect.poll(() => fleet.status()?.beat, PATIENCE).toBeGreaterThan(status.beat + 2);
    expect(await ask()).toMatchObject({ answeredMs: null, code: 'safe-mode' });
  });

  it('cannot speak in its name: acks and alarms are signed by the name’s own key, or refused', async () => {
    const { fleet, rogue, llm, ask } = await guarded();
    const asr = await fleet.domain.identity('instance', 'asr-1');
    const { trust } = fleet.domain.keys;
    const lockDigest = fleet.domain.lockDigest();
    const named = { service: 'llm', instance: llm.instance } as const;
    const ack = signAck(
      {
        ...named,
        region: 'local',
        mode: 'normal',
        generation: 1,
        epoch: 1_000_000,
        revision: 1,
        beat: 0,
        lockDigest,
        appliedUnixMs: 0,
        openAlarms: [],
      },
      trust,
      asr,
    );
    const alarm = signAlarm(
      {
        ...named,
        store: 'store-of-llm',
        artifact: 'mind-script',
        digest: null,
        code: 'DIGEST_MISMATCH',
        message: '',
        lockDigest,
        raisedUnixMs: 0,
      },
      trust,
      asr,
    );
    const nats = await rogue('llm-1');
    nats.publish(SUBJECTS.lockAck('llm', llm.instance), ack);
    nats.publish(SUBJECTS.lockAlarm, alarm);
    await nats.flush();
    await fleet.peers.verifier.verify({}, {});
    const { applied } = await fleet.peers.verifier.getStatus({}, {});
    expect(applied.map(({ epoch }) => epoch)).not.toContain(1_000_000n);
    expect(fleet.statuses.map(({ mode }) => mode)).not.toContain('safe');
    expect(await ask()).toMatchObject({ code: 'answered' });
  });
});
