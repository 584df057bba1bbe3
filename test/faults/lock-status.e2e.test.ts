import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SUBJECTS } from '@smartlite/contracts';
import { natsServer, temporaryFolder, testDomain, statusPublisher, wireProxy } from '@smartlite/testkit';
import { signStatus } from '@smartlite/trust';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { followedBy, ground, LEASE_MS, PATIENCE, recorded, signal } from './ground.ts';

/** Measuring itself takes time on a machine that others share. */
const SLACK_MS = 2_000;
/** What the server holds for one connection before it throws it off; those who read stay far below. */
const PENDING_BYTES_MAX = 4 * 1024 ** 2;
const NOISE_BYTES = 64 * 1024;
let stack: AsyncDisposableStack;
beforeEach(() => {
  stack = new AsyncDisposableStack();
});
afterEach(() => stack.disposeAsync());

describe('fail-closed: a fleet whose only verifier is killed', () => {
  it('stops answering when the lease ends, each service by its own clock, and serves again after its restart', async () => {
    const { fleet, serves, refuses, attempts } = await ground(stack);
    const verifier = await fleet.start('verifier', 'verifier-1');
    await fleet.start('llm', 'llm-1');
    await serves();
    await verifier.kill();
    const killedMs = performance.now();
    await refuses();
    const last = attempts.filter(({ answeredMs }) => answeredMs !== null).at(-1);
    expect((last?.answeredMs ?? 0) - killedMs).toBeLessThan(LEASE_MS + SLACK_MS);
    expect(attempts.at(-1)?.code).toBe('safe-mode');
    await fleet.start('verifier', 'verifier-1');
    await serves();
  });
});

describe('a leader that is stopped (SIGSTOP) and resumed', () => {
  it('is followed by another, finds itself deposed, and its old epoch moves nobody', async () => {
    const { fleet, serves } = await ground(stack);
    const first = await fleet.start('verifier', 'verifier-1');
    await fleet.start('llm', 'llm-1');
    await serves();
    await fleet.start('verifier', 'verifier-2');
    signal(first, 'SIGSTOP');
    await followedBy(fleet, 'verifier-1');
    const takenOver = fleet.status()?.epoch ?? 0;
    await serves();
    signal(first, 'SIGCONT');
    await expect.poll(() => first.output(), PATIENCE).toContain('this verifier leads no more');
    await fleet.peers.verifier.verify({}, {});
    await serves();
    expect(fleet.status()).toMatchObject({ leader: 'verifier-2', epoch: takenOver, mode: 'normal' });
  });
});

describe('a leader that is cut off from NATS', () => {
  it('is followed by another; when the wire is whole again it follows', async () => {
    const { fleet, serves } = await ground(stack);
    const wire = stack.use(await wireProxy(fleet.server.url));
    const first = await fleet.start('verifier', 'verifier-1', { SMARTLITE_NATS_URL: wire.url });
    await fleet.start('llm', 'llm-1');
    await serves();
    await fleet.start('verifier', 'verifier-2');
    wire.cut();
    await followedBy(fleet, 'verifier-1');
    await serves();
    wire.heal();
    await expect.poll(() => first.output(), PATIENCE).toContain('this verifier leads no more');
    expect(fleet.status()?.leader).toBe('verifier-2');
  });
});

describe('fail-closed: a service that is cut off from NATS', () => {
  it('refuses by its own clock, and serves again when the wire is whole', async () => {
    const { fleet, serves, refuses, attempts } = await ground(stack);
    const wire = stack.use(await wireProxy(fleet.server.url));
    await fleet.start('verifier', 'verifier-1');
    const llm = await fleet.start('llm', 'llm-1', { SMARTLITE_NATS_URL: wire.url });
    await serves();
    wire.cut();
    await expect.poll(() => llm.output(), PATIENCE).toContain('LEASE_LOST');
    await refuses();
    expect(attempts.at(-1)?.answeredMs).toBeNull();
    wire.heal();
    await serves();
  });
});

describe('fail-closed: a bus that delays by more than the lease', () => {
  it('renews nothing: late statuses open no new lease', async () => {
    const { fleet, serves } = await ground(stack);
    const wire = stack.use(await wireProxy(fleet.server.url));
    await fleet.start('verifier', 'verifier-1');
    const llm = await fleet.start('llm', 'llm-1', { SMARTLITE_NATS_URL: wire.url });
    await serves();
    wire.delay(LEASE_MS + 1_000);
    await expect.poll(() => llm.output(), PATIENCE).toContain('LEASE_LOST');
    wire.delay(0);
    await serves();
  });
});

describe('fail-closed: a service that does not read what NATS sends', () => {
  it('is thrown off as a slow consumer while it is stopped, answers nothing on waking, and serves again by itself', async () => {
    const folder = stack.use(temporaryFolder());
    const config = join(folder.path, 'small.conf');
    writeFileSync(config, `max_pending: ${PENDING_BYTES_MAX}`);
    const { fleet, serves } = await ground(stack, { server: { folder: folder.path, more: ['-c', config] } });
    await fleet.start('verifier', 'verifier-1');
    const llm = await fleet.start('llm', 'llm-1');
    await serves();
    signal(llm, 'SIGSTOP');
    while (!fleet.server.output().includes('Slow Consumer')) {
      fleet.nats.publish(SUBJECTS.lockStatus, new Uint8Array(NOISE_BYTES));
      await fleet.nats.flush();
    }
    signal(llm, 'SIGCONT');
    await expect.poll(() => llm.output(), PATIENCE).toContain('the connection to NATS is troubled');
    await serves();
  });
});

describe('NATS', () => {
  it('that is killed stops the fleet at the lease’s end, and starts it again when it is back', async () => {
    const folder = stack.use(temporaryFolder());
    const { fleet, serves, refuses } = await ground(stack, { server: { folder: folder.path } });
    await fleet.start('verifier', 'verifier-1');
    const llm = await fleet.start('llm', 'llm-1');
    await serves();
    await fleet.server.kill();
    await expect.poll(() => llm.output(), PATIENCE).toContain('LEASE_LOST');
    await refuses();
    stack.use(await natsServer({ folder: folder.path, port: Number(new URL(fleet.server.url).port) }));
    await serves();
  });

  it('that comes later than the services is waited for', async () => {
    const { fleet, serves } = await ground(stack);
    const wire = stack.use(await wireProxy(fleet.server.url));
    wire.cut();
    const starting = [
      fleet.start('verifier', 'verifier-1', { SMARTLITE_NATS_URL: wire.url }),
      fleet.start('llm', 'llm-1', { SMARTLITE_NATS_URL: wire.url }),
    ];
    const soon = await Promise.race([
      Promise.all(starting).then(() => 'up'),
      new Promise((resolve) => setImmediate(() => resolve('waiting'))),
    ]);
    expect(soon).toBe('waiting');
    wire.heal();
    await Promise.all(starting);
    await serves();
  });
});

describe('fail-closed: a late joiner', () => {
  it('does not serve by a retained normal whose leader is gone, and serves as soon as there is one', async () => {
    const { fleet, serves, ask } = await ground(stack);
    const verifier = await fleet.start('verifier', 'verifier-1');
    await expect.poll(() => fleet.status()?.mode, PATIENCE).toBe('normal');
    await verifier.kill();
    const llm = await fleet.start('llm', 'llm-1');
    expect(await ask()).toMatchObject({ answeredMs: null });
    expect(llm.output()).not.toContain('"mode":"normal"');
    await fleet.start('verifier', 'verifier-1');
    await serves();
  });
});

describe('authentic-status: whatever a rogue puts on the bus', () => {
  it('moves nobody out of safe mode: unsigned, of another fleet, by another role, and every earlier status again', async () => {
    const { fleet, serves, refuses, ask } = await ground(stack);
    const all = recorded(fleet);
    await fleet.start('verifier', 'verifier-1');
    await fleet.start('llm', 'llm-1');
    await serves();
    await fleet.order({ action: 'enter', mode: 'safe', reason: 'drill' });
    await refuses();
    const other = stack.use(await testDomain({ fleet: 'other-fleet' }));
    const stranger = stack.use(await statusPublisher(fleet.server.url, other, { epoch: 900 }));
    const instance = await fleet.domain.identity('instance', 'asr-9');
    const status = fleet.status();
    if (status === undefined) throw new Error('no status was heard');
    const wrongRole = signStatus({ ...status, mode: 'normal', epoch: status.epoch + 1, failures: [] }, instance);
    for (const forged of [...all, stranger.envelope(), wrongRole, Buffer.from('{"mode":"normal"}'), Buffer.of()])
      fleet.nats.publish(SUBJECTS.lockStatus, forged);
    await fleet.nats.flush();
    await expect.poll(() => fleet.status()?.beat, PATIENCE).toBeGreaterThan(status.beat + 2);
    expect(await ask()).toMatchObject({ answeredMs: null, code: 'safe-mode' });
  });

  it('moves nobody into safe mode either: forged, unsigned and old-epoch statuses that restrict', async () => {
    const { fleet, serves, ask } = await ground(stack);
    const all = recorded(fleet);
    const first = await fleet.start('verifier', 'verifier-1');
    await fleet.start('llm', 'llm-1');
    await serves();
    await fleet.order({ action: 'enter', mode: 'safe', reason: 'drill' });
    await expect.poll(() => fleet.status()?.mode, PATIENCE).toBe('safe');
    const failures = fleet.status()?.failures.map(({ id }) => id) ?? [];
    await fleet.order({ action: 'release', failures, lockDigest: fleet.domain.lockDigest(), lockSequence: 1, reason: 'done' });
    await serves();
    await first.kill();
    await fleet.start('verifier', 'verifier-2');
    await followedBy(fleet, 'verifier-1');
    await serves();
    const other = stack.use(await testDomain({ fleet: 'other-fleet' }));
    const stranger = stack.use(await statusPublisher(fleet.server.url, other, { epoch: 900, mode: 'halted' }));
    for (const forged of [...all, stranger.envelope(), Buffer.from('{"mode":"halted"}')])
      fleet.nats.publish(SUBJECTS.lockStatus, forged);
    await fleet.nats.flush();
    for (let count = 0; count < 5; count += 1) expect(await ask()).toMatchObject({ code: 'answered' });
    expect(fleet.status()).toMatchObject({ leader: 'verifier-2', mode: 'normal' });
  });
});
