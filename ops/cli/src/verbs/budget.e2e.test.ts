import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SUBJECTS, Unit } from '@smartlite/contracts';
import { budgetOrder, type TestFleet, testFleet } from '@smartlite/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const MAIN = join(import.meta.dirname, '..', 'main.ts');
const PATIENCE = { timeout: 60_000 };
let fleet: TestFleet;

beforeEach(async () => {
  fleet = await testFleet();
  const keys = join(fleet.domain.home, 'keys');
  mkdirSync(keys);
  writeFileSync(join(keys, 'operator-key.pem'), fleet.domain.keys.operator.key);
  writeFileSync(join(keys, 'operator-cert.pem'), fleet.domain.keys.operator.chain.join('\n'));
  await fleet.start('verifier', 'verifier-1');
  await fleet.start('budget', 'budget-1');
  await fleet.start('budget', 'budget-2');
});
afterEach(() => fleet[Symbol.asyncDispose]());

/** Runs the command line as a user does. */
async function smartlite(
  ...words: string[]
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const env = { PATH: process.env['PATH'] ?? '', SMARTLITE_HOME: fleet.domain.home, SMARTLITE_NATS_URL: fleet.server.url };
  const run = promisify(execFile)(process.execPath, [MAIN, ...words], { env });
  return run
    .then(({ stdout, stderr }) => ({ code: 0, stdout, stderr }))
    .catch((failed: { code: number; stdout: string; stderr: string }) => failed);
}
const reserve = async (value: number) => {
  const request = {
    key: `k${value}`,
    tenant: 'local',
    user: 'ada',
    amounts: [{ unit: Unit.UNIT_LLM_TOKENS, value: BigInt(value) }],
    covered: [],
    lifeMs: 60_000,
  };
  const caller = { user: 'ada', tenant: 'local', regions: [], operator: false };
  return (await fleet.peers.budget.reserve(request, { caller })).outcome;
};

describe('an operator at the command line', () => {
  it('sets a user’s limit that every replica keeps at once, sees what is held, and leaves an entry in the trail', async () => {
    const entries: string[] = [];
    fleet.nats.subscribe(SUBJECTS.audits, { callback: (_failure, message) => void entries.push(message.string()) });
    await fleet.nats.flush();
    await expect.poll(() => fleet.status()?.mode, PATIENCE).toBe('normal');
    const set = await smartlite('budget', 'set', 'user', 'llm_tokens', 'day', '50', '--user', 'ada', '--json');
    expect(set).toMatchObject({ code: 0 });
    expect(JSON.parse(set.stdout)).toMatchObject({ subject: 'local/ada', limit: 50 });
    await expect.poll(async () => (await reserve(40).catch(() => undefined))?.$case, PATIENCE).toBe('granted');
    expect(await reserve(41)).toMatchObject({ $case: 'refused', value: { limit: 'user/llm_tokens/day', left: 10n } });
    const usage = await smartlite('budget', 'usage', '--user', 'ada', '--json');
    const { limits } = JSON.parse(usage.stdout) as { limits: Record<string, unknown>[] };
    expect(limits).toContainEqual(
      expect.objectContaining({ subject: 'local/ada', unit: 'llm_tokens', window: 'day', limit: 50, reserved: 40, left: 10 }),
    );
    await expect.poll(() => entries.some((entry) => entry.includes('budget.limit-set')), PATIENCE).toBe(true);
  });

  it('is the only one who sets limits: a service’s certificate, a flag, or a used order do not', async () => {
    await expect.poll(() => fleet.status()?.mode, PATIENCE).toBe('normal');
    const limit = { scope: 'fleet', subject: '', unit: 'requests', window: 'day', limit: 7 } as const;
    const bring = (bytes: Uint8Array) => {
      const caller = { user: 'root', tenant: 'local', regions: [], operator: true };
      return fleet.peers.budget.setLimit({ signedOrder: Buffer.from(bytes) }, { caller });
    };
    const operator = await fleet.domain.identity('operator', 'eve');
    const order = budgetOrder(limit, fleet.domain, operator);
    await expect.poll(() => bring(order).then(() => 'set', String), PATIENCE).toBe('set');
    await expect(bring(order)).rejects.toMatchObject({ code: 'conflict' });
    const rogue = await fleet.domain.identity('instance', 'budget-9');
    await expect(bring(budgetOrder({ ...limit, limit: 1_000 }, fleet.domain, rogue))).rejects.toMatchObject({
      code: 'permission-denied',
      message: expect.stringContaining('KEY_WRONG_ROLE'),
    });
    await expect(bring(Buffer.alloc(0))).rejects.toMatchObject({ code: 'permission-denied' });
    const usage = await smartlite('budget', 'usage', '--json');
    expect(JSON.parse(usage.stdout)).toMatchObject({
      limits: expect.arrayContaining([expect.objectContaining({ unit: 'requests', limit: 7 })]),
    });
  });

  it('is told what is wrong with a window that there is not, with exit code 2', async () => {
    const { code, stderr } = await smartlite('budget', 'set', 'fleet', 'requests', 'month', '5');
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('month') });
  });
});
