import { setTimeout as pause } from 'node:timers/promises';
import { STREAMS, Unit } from '@smartlite/contracts';
import { natsCluster, natsServer, temporaryFolder, testFleet, wireProxy } from '@smartlite/testkit';
import { describe, expect, it } from 'vitest';
import { ask, ASKED, CALLER, CAP, DAY_MS, insist, PATIENCE, readd, standing, withReplicas } from './budgetground.ts';

describe('1,000 reservations of 0.10 at once against a cap of 5.00, over three replicas', () => {
  it('get exactly 50 grants; the others are told the limit, what is left, and when it refills', async () => {
    await using fleet = await testFleet();
    await withReplicas(fleet);
    const answers = await Promise.all(Array.from({ length: ASKED }, (_, n) => insist(fleet, `k${n}`)));
    expect(answers.filter(({ kind }) => kind === 'granted')).toHaveLength(50);
    const refused = answers.filter(({ kind }) => kind === 'refused');
    expect(refused).toHaveLength(950);
    for (const { limit, left, refillsUnixMs = 0n } of refused) {
      expect({ limit, left }).toEqual({ limit: 'user/llm_tokens/day', left: 0n });
      expect(Number(refillsUnixMs) % DAY_MS).toBe(0);
    }
  });

  it('stay at 50 though replicas and NATS are killed in the middle and holders die, and nothing is held after their lives', async () => {
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(temporaryFolder());
    const fleet = stack.use(await testFleet({ server: { folder: folder.path } }));
    const replicas = await withReplicas(fleet);
    const port = Number(new URL(fleet.server.url).port);
    const asked = Promise.all(Array.from({ length: ASKED }, (_, n) => pause(n * 3).then(() => insist(fleet, `k${n}`))));
    const entries = async () => (await (await fleet.nats.jetstreamManager()).streams.info(STREAMS.ledger)).state.last_seq;
    await expect.poll(entries, PATIENCE).toBeGreaterThan(20);
    await replicas[0]?.kill();
    await fleet.server.kill();
    stack.use(await natsServer({ port, folder: folder.path }));
    await replicas[1]?.kill();
    await fleet.start('budget', 'budget-1');
    const answers = await asked;
    const { granted, out } = await readd(fleet, answers);
    expect({ granted: granted.size, out }).toEqual({ granted: 50, out: CAP });
    // A third of the holders settle what they used; the others die without a word.
    const settling = [...granted].slice(0, 17);
    for (const reservationId of settling)
      await fleet.peers.budget.settle({ reservationId, spent: [{ unit: Unit.UNIT_LLM_TOKENS, value: 1n }] }, { caller: CALLER });
    await expect.poll(() => standing(fleet), PATIENCE).toEqual({ charged: 17n, reserved: 0n });
    const { settled } = await readd(fleet, answers);
    expect([...settled.values()].reduce((sum, value) => sum + value, 0n)).toBe(17n);
    // Who was refused tries again: what the dead had held is there once more, and not one more.
    const again = await Promise.all(Array.from({ length: 100 }, (_, n) => insist(fleet, `again${n}`)));
    expect(again.filter(({ kind }) => kind === 'granted')).toHaveLength(33);
  });
});

describe('1,000 reservations of 0.10 over three replicas on a NATS cluster of three nodes', () => {
  it('get exactly 50 grants though the node that leads the ledger is killed and a replica stands still and goes on', async () => {
    await using stack = new AsyncDisposableStack();
    const cluster = stack.use(await natsCluster());
    const fleet = stack.use(await testFleet({ natsUrl: cluster.url, environment: { SMARTLITE_NATS_REPLICAS: '3' } }));
    const replicas = await withReplicas(fleet);
    const ledger = async () => (await fleet.nats.jetstreamManager()).streams.info(STREAMS.ledger);
    expect((await ledger()).config.num_replicas).toBe(3);
    const asked = Promise.all(Array.from({ length: ASKED }, (_, n) => pause(n * 3).then(() => insist(fleet, `k${n}`))));
    await expect.poll(async () => (await ledger()).state.last_seq, PATIENCE).toBeGreaterThan(20);
    const stopped = replicas[0]?.pid ?? 0;
    process.kill(stopped, 'SIGSTOP');
    stack.defer(() => void process.kill(stopped, 'SIGCONT'));
    const leader = (await ledger()).cluster?.leader ?? '';
    await cluster.kill(leader);
    await expect.poll(async () => (await ledger().catch(() => undefined))?.cluster?.leader ?? leader, PATIENCE).not.toBe(leader);
    process.kill(stopped, 'SIGCONT');
    await cluster.restart(leader);
    const answers = await asked;
    const { granted, out } = await readd(fleet, answers);
    expect({ granted: granted.size, out }).toEqual({ granted: 50, out: CAP });
  });
});

describe('1,000 reservations of 0.10 over three replicas of which one is cut off from NATS', () => {
  it('get exactly 50 grants, and the one that was cut off knows them all when it is back', async () => {
    await using stack = new AsyncDisposableStack();
    const fleet = stack.use(await testFleet());
    const wire = stack.use(await wireProxy(fleet.server.url));
    const replicas = await withReplicas(fleet, { SMARTLITE_NATS_URL: wire.url });
    const entries = async () => (await (await fleet.nats.jetstreamManager()).streams.info(STREAMS.ledger)).state.last_seq;
    const asked = Promise.all(Array.from({ length: ASKED }, (_, n) => pause(n * 3).then(() => insist(fleet, `k${n}`))));
    await expect.poll(entries, PATIENCE).toBeGreaterThan(20);
    wire.cut();
    const answers = await asked;
    const { granted, out } = await readd(fleet, answers);
    expect({ granted: granted.size, out }).toEqual({ granted: 50, out: CAP });
    wire.heal();
    await expect.poll(() => fleet.peers.instances('budget').length, PATIENCE).toBe(3);
    await replicas[0]?.stop();
    await replicas[1]?.stop();
    await expect.poll(() => fleet.peers.instances('budget').map(({ instance }) => instance), PATIENCE).toEqual(['budget-3']);
    await expect.poll(async () => (await ask(fleet, 'late').catch(() => undefined))?.kind, PATIENCE).toBe('refused');
    const { charged = 0n, reserved = 0n } = await standing(fleet);
    expect(charged + reserved).toBeLessThanOrEqual(CAP);
  });
});
