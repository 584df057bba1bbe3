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
