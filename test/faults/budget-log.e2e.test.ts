import { STREAMS, SUBJECTS, Unit } from '@smartlite/contracts';
import { type TestFleet, testFleet } from '@smartlite/testkit';
import { describe, expect, it } from 'vitest';

const PATIENCE = { timeout: 120_000 };
const CALLER = { user: 'ada', tenant: 'acme', regions: [], operator: false };

const reserve = ({ peers }: TestFleet, key: string) =>
  peers.budget
    .reserve(
      { key, tenant: 'acme', user: 'ada', amounts: [{ unit: Unit.UNIT_LLM_TOKENS, value: 1n }], covered: [], lifeMs: 60_000 },
      { caller: CALLER },
    )
    .then(
      ({ outcome }) => outcome?.$case ?? 'nothing',
      (caught: Error) => caught.message,
    );

describe('a ledger that is wiped under living replicas', () => {
  it('is alerted, and nothing is granted by any of them, nor by one that starts afterwards', async () => {
    await using fleet = await testFleet();
    const alerts: string[] = [];
    fleet.nats.subscribe(SUBJECTS.securityAlert, { callback: (_failure, message) => void alerts.push(message.string()) });
    await fleet.start('verifier', 'verifier-1');
    const witness = await fleet.start('budget', 'budget-1');
    await expect.poll(() => reserve(fleet, 'before'), PATIENCE).toBe('granted');
    await (await fleet.nats.jetstreamManager()).streams.delete(STREAMS.ledger);
    await expect.poll(() => alerts.some((text) => text.includes('ledger has lost entries')), PATIENCE).toBe(true);
    await expect.poll(() => reserve(fleet, 'after'), PATIENCE).toContain('the ledger has lost entries');
    await fleet.start('budget', 'budget-2');
    await witness.kill();
    await expect.poll(() => fleet.peers.instances('budget').map(({ instance }) => instance), PATIENCE).toEqual(['budget-2']);
    await expect.poll(() => reserve(fleet, 'later'), PATIENCE).toContain('the ledger has lost entries');
  });
});

describe('a ledger that is longer than replicas need to read', () => {
  it('lets go of what a snapshot holds; who starts later and who stood still meanwhile know the same, and nothing is called lost', async () => {
    await using fleet = await testFleet({ environment: { SMARTLITE_LEDGER_SNAPSHOT_EVERY: '10' } });
    await fleet.start('verifier', 'verifier-1');
    const writer = await fleet.start('budget', 'budget-1');
    await expect.poll(() => reserve(fleet, 'first'), PATIENCE).toBe('granted');
    const still = await fleet.start('budget', 'budget-2');
    await expect.poll(() => fleet.peers.instances('budget').length, PATIENCE).toBe(2);
    process.kill(still.pid, 'SIGSTOP');
    await expect.poll(() => fleet.peers.instances('budget').map(({ instance }) => instance), PATIENCE).toEqual(['budget-1']);
    const stream = async () => (await (await fleet.nats.jetstreamManager()).streams.info(STREAMS.ledger)).state;
    for (let n = 0; (await stream()).first_seq < 20; n += 1) expect(await reserve(fleet, `k${n}`)).toBe('granted');
    process.kill(still.pid, 'SIGCONT');
    const late = await fleet.start('budget', 'budget-3');
    await expect.poll(() => fleet.peers.instances('budget').length, PATIENCE).toBe(3);
    const usage = async (others: readonly string[]) => {
      const avoid = new Set(others);
      const { usages } = await fleet.peers.budget.getUsage({ tenant: 'acme', user: 'ada' }, { caller: CALLER, avoid });
      return usages.map(({ unit, charged, reserved }) => ({ unit, out: charged + reserved }));
    };
    const known = await usage(['budget-2', 'budget-3']);
    expect(known.find(({ unit }) => unit === Unit.UNIT_LLM_TOKENS)?.out).toBeGreaterThan(15n);
    await expect.poll(() => usage(['budget-1', 'budget-3']), PATIENCE).toEqual(known);
    await expect.poll(() => usage(['budget-1', 'budget-2']), PATIENCE).toEqual(known);
    for (const each of [writer, still, late]) expect(each.output()).not.toContain('is not the one that was read');
    await writer.kill();
    await expect.poll(() => reserve(fleet, 'after'), PATIENCE).toBe('granted');
  });
});
