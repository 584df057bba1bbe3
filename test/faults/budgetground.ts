import { setTimeout as pause } from 'node:timers/promises';
import { Scope, STREAMS, Unit } from '@smartlite/contracts';
import type { ServiceProcess, TestFleet } from '@smartlite/testkit';
import { expect } from 'vitest';

export const PATIENCE = { timeout: 120_000 };
export const CALLER = { user: 'ada', tenant: 'acme', regions: [], operator: false };
/** 5.00 in tenths, in pieces of 0.10. */
export const CAP = 50n;
export const ASKED = 1_000;
/** Longer than all the asking takes: what expires in between is rightly granted again. */
const LIFE_MS = 60_000;
export const DAY_MS = 86_400_000;
/** A day that ends in the middle would rightly grant another 50. */
const DAY_LEFT_MS_MIN = 150_000;

export interface Answer {
  readonly key: string;
  readonly kind: string;
  readonly id?: string;
  readonly left?: bigint;
  readonly limit?: string;
  readonly refillsUnixMs?: bigint;
}

/** A verifier, three replicas and the cap. `more`: settings of the third alone. */
export async function withReplicas(fleet: TestFleet, more: Readonly<Record<string, string>> = {}): Promise<ServiceProcess[]> {
  await expect.poll(() => DAY_MS - (Date.now() % DAY_MS), { timeout: 2 * DAY_LEFT_MS_MIN }).toBeGreaterThan(DAY_LEFT_MS_MIN);
  await fleet.start('verifier', 'verifier-1');
  const replicas = [];
  for (const name of ['budget-1', 'budget-2', 'budget-3'])
    replicas.push(await fleet.start('budget', name, name === 'budget-3' ? more : {}));
  await expect.poll(() => fleet.peers.instances('budget').length, PATIENCE).toBe(3);
  const limit = { scope: 'user', subject: '', unit: 'llm_tokens', window: 'day', limit: Number(CAP) } as const;
  await expect.poll(() => fleet.setLimit(limit).then(() => true, String), PATIENCE).toBe(true);
  await expect.poll(() => ask(fleet, 'first', 0n).then(({ kind }) => kind, String), PATIENCE).toBe('granted');
  return replicas;
}

export async function ask({ peers }: TestFleet, key: string, value = 1n): Promise<Answer> {
  const amounts = [{ unit: Unit.UNIT_LLM_TOKENS, value }];
  const request = { key, tenant: 'acme', user: 'ada', amounts, covered: [], lifeMs: LIFE_MS };
  const { outcome } = await peers.budget.reserve(request, { caller: CALLER, timeoutMs: 10_000 });
  return { key, kind: outcome?.$case ?? 'nothing', ...outcome?.value };
}

/** Asks until it is answered, as a holder does whose replica or bus went away: under the same key. */
export async function insist(fleet: TestFleet, key: string): Promise<Answer> {
  for (;;) {
    const answer = await ask(fleet, key).catch(() => undefined);
    if (answer) return answer;
    await pause(100);
  }
}

export interface Booked {
  readonly granted: ReadonlySet<string>;
  readonly out: bigint;
}

/** What the entries themselves say, read from the stream and added up anew: reservations minus those that were settled. */
export async function readd(
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

export async function standing({ peers }: TestFleet) {
  const { usages } = await peers.budget.getUsage({ tenant: 'acme', user: 'ada' }, { caller: CALLER });
  const line = usages.find(({ scope, window }) => scope === Scope.SCOPE_USER && window === 'day');
  return { charged: line?.charged, reserved: line?.reserved };
}
