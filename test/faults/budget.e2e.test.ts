import { setTimeout as pause } from 'node:timers/promises';
import { Scope, STREAMS, Unit } from '@smartlite/contracts';
import { natsServer, type ServiceProcess, temporaryFolder, type TestFleet, testFleet } from '@smartlite/testkit';
import { describe, expect, it } from 'vitest';

const PATIENCE = { timeout: 120_000 };
const CALLER = { user: 'ada', tenant: 'acme', regions: [], operator: false };
/** 5.00 in tenths, in pieces of 0.10. */
const CAP = 50n;
const ASKED = 1_000;
/** Longer than all the asking takes: what expires in between is rightly granted again. */
const LIFE_MS = 60_000;
const DAY_MS = 86_400_000;
/** A day that ends in the middle would rightly grant another 50. */
const DAY_LEFT_MS_MIN = 150_000;

interface Answer {
  readonly key: string;
  readonly kind: string;
  readonly id?: string;
  readonly left?: bigint;
  readonly limit?: string;
  readonly refillsUnixMs?: bigint;
}

async function withReplicas(fleet: TestFleet): Promise<ServiceProcess[]> {
  await expect.poll(() => DAY_MS - (Date.now() % DAY_MS), { timeout: 2 * DAY_LEFT_MS_MIN }).toBeGreaterThan(DAY_LEFT_MS_MIN);
  await fleet.start('verifier', 'verifier-1');
  const replicas = [];
  for (const name of ['budget-1', 'budget-2', 'budget-3']) replicas.push(await fleet.start('budget', name));
  await expect.poll(() => fleet.peers.instances('budget').length, PATIENCE).toBe(3);
  const limit = { scope: 'user', subject: '', unit: 'llm_tokens', window: 'day', limit: Number(CAP) } as const;
  await expect.poll(() => fleet.setLimit(limit).then(() => true, String), PATIENCE).toBe(true);
  await expect.poll(() => ask(fleet, 'first', 0n).then(({ kind }) => kind, String), PATIENCE).toBe('granted');
  return replicas;
}

async function ask({ peers }: TestFleet, key: string, value = 1n): Promise<Answer> {
  const amounts = [{ unit: Unit.UNIT_LLM_TOKENS, value }];
  const request = { key, tenant: 'acme', user: 'ada', amounts, covered: [], lifeMs: LIFE_MS };
  const { outcome } = await peers.budget.reserve(request, { caller: CALLER, timeoutMs: 10_000 });
  return { key, kind: outcome?.$case ?? 'nothing', ...outcome?.value };
}

/** Asks until it is answered, as a holder does whose replica or bus went away: under the same key. */
async function insist(fleet: TestFleet, key: string): Promise<Answer> {
  for (;;) {
    const answer = await ask(fleet, key).catch(() => undefined);
    if (answer) return answer;
    await pause(100);
  }
}

interface Booked {
  readonly granted: ReadonlySet<string>;
  readonly out: bigint;
}

/** What the entries themselves say, read from the stream and added up anew: reservations minus those that were settled. */
async function readd(
  { nats }: TestFleet,
  answers: readonly Answer[],
): Promise<Booked & { readonly settled: ReadonlyMap<string, bigint> }> {
  const manager = await nats.jetstreamManager();
  const { state } = await manager.streams.info(STREAMS.ledger);
  const granted = new Set(answers.flatMap(({ id }) => (id === undefined ? [] : [id])));
  const settled = new Map<string, bigint>();
  for (let seq = 1; seq <= state.last_seq; seq += 1) {
    const { entries } = (await manager.streams.getMessage(STREAMS.ledger, { seq })).json<{
      entries: { command: { kind: string; reservation: string; spent: { llm_tokens?: number } } }[];
    }>();
    for (const { command } of entries)
      if (command.kind === 'settle' && !settled.has(command.reservation))
        settled.set(command.reservation, BigInt(command.spent.llm_tokens ?? 0));
  }
  const out = [...granted].reduce((sum, id) => sum + (settled.get(id) ?? 1n), 0n);
  return { granted, settled, out };
}

async function standing({ peers }: TestFleet) {
  const { usages } = await peers.budget.getUsage({ tenant: 'acme', user: 'ada' }, { caller: CALLER });
  const line = usages.find(({ scope, window }) => scope === Scope.SCOPE_USER && window === 'day');
  return { charged: line?.charged, reserved: line?.reserved };
}

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
