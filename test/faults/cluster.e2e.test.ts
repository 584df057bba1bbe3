import { STREAMS } from '@smartlite/contracts';
import { natsCluster, type TestFleet } from '@smartlite/testkit';
import { describe, expect, it } from 'vitest';
import { ground, PATIENCE } from './ground.ts';

/** The node that holds the control log's word. */
async function controlLeader({ nats }: TestFleet): Promise<string> {
  const { cluster } = await (await nats.jetstreamManager()).streams.info(STREAMS.control);
  return cluster?.leader ?? '';
}

describe('fail-closed: a NATS cluster of three nodes, its streams on all of them', () => {
  it('serves on without the node that led the control log, refuses by its own clocks without two, and serves again with two', async () => {
    await using stack = new AsyncDisposableStack();
    const cluster = stack.use(await natsCluster());
    const { fleet, serves, refuses, attempts } = await ground(stack, {
      natsUrl: cluster.url,
      environment: { SMARTLITE_NATS_REPLICAS: '3' },
    });
    await fleet.start('verifier', 'verifier-1');
    await fleet.start('verifier', 'verifier-2');
    const llm = await fleet.start('llm', 'llm-1');
    await serves();

    const first = await controlLeader(fleet);
    await cluster.kill(first);
    // A new leader of the log is chosen within seconds; with it the fleet goes on by itself.
    await expect.poll(() => controlLeader(fleet).catch(() => first), PATIENCE).not.toBe(first);
    await serves();

    const before = llm.output().length;
    const [second = ''] = cluster.running();
    await cluster.kill(second);
    await expect.poll(() => llm.output().slice(before), PATIENCE).toContain('LEASE_LOST');
    await refuses();
    expect(attempts.at(-1)?.answeredMs).toBeNull();

    await cluster.restart(second);
    await serves();
  });
});
