import { setTimeout as wait } from 'node:timers/promises';
import { SUBJECTS } from '@smartlite/contracts';
import { type ServiceProcess, type TestFleet, testFleet, type TestFleetOptions } from '@smartlite/testkit';
import { compareOrder, openStatus, roleTrust } from '@smartlite/trust';
import { expect } from 'vitest';
import { answersWithoutLease, type Heard } from './lease.ts';

export const PATIENCE = { timeout: 90_000 };
export const LEASE_MS = 6_000;
/** Leases short enough to wait for, long enough for a machine that several share. */
const SHORT = {
  SMARTLITE_STATUS_LEASE_MS: String(LEASE_MS),
  SMARTLITE_LEADER_LEASE_MS: '2500',
  SMARTLITE_RELEASE_DWELL_MS: '200',
};
/** What hearing, cutting and measuring may take on a machine that others share. */
const SLACK_MS = 2_000;
/** Between two questions of the caller that asks all the time. */
const ASK_EVERY_MS = 50;
const REQUEST = {
  messages: [{ role: 'user', content: 'hello' }],
  tier: '',
  maxTokens: 0,
  temperature: 0,
  seed: 0n,
  facts: undefined,
  saidFrom: 0 as const,
};
const CALLER = { user: 'alice', tenant: 'acme', regions: [], operator: false };

/** What one question at a service led to. */
export interface Attempt {
  readonly atMs: number;
  /** When the last piece of an answer came; null where there was none. */
  readonly answeredMs: number | null;
  readonly code: string;
}

/** A fleet in which somebody asks all the time, and which ends with the judgement that no answer was without a valid lease. */
export interface Ground {
  readonly fleet: TestFleet;
  readonly attempts: readonly Attempt[];
  readonly ask: () => Promise<Attempt>;
  /** Resolves when the service answers; it may take the time of an election. */
  readonly serves: () => Promise<void>;
  readonly refuses: () => Promise<void>;
}

export async function ground(stack: AsyncDisposableStack, options: TestFleetOptions = {}): Promise<Ground> {
  const { environment, ...more } = options;
  const fleet = stack.use(await testFleet({ ...more, environment: { ...SHORT, ...environment } }));
  const attempts: Attempt[] = [];
  const ask = async () => {
    const attempt = await question(fleet);
    attempts.push(attempt);
    return attempt;
  };
  const outcome = async () => (await ask()).code;
  const heard = hearAll(fleet);
  const asking = new AbortController();
  const asked = askOn(ask, asking.signal);
  stack.defer(async () => {
    asking.abort();
    await asked;
    expect(answersWithoutLease(attempts, heard, { leaseMs: LEASE_MS, slackMs: SLACK_MS })).toEqual([]);
  });
  return {
    fleet,
    attempts,
    ask,
    serves: () => expect.poll(outcome, PATIENCE).toBe('answered'),
    refuses: () => expect.poll(outcome, PATIENCE).not.toBe('answered'),
  };
}

async function question({ peers }: TestFleet): Promise<Attempt> {
  const atMs = performance.now();
  let answeredMs: number | null = null;
  try {
    for await (const _piece of peers.llm.generate(REQUEST, { caller: CALLER, timeoutMs: 5_000 })) answeredMs = performance.now();
    return { atMs, answeredMs, code: 'answered' };
  } catch (caught) {
    return { atMs, answeredMs, code: (caught as { code?: string }).code ?? String(caught) };
  }
}

async function askOn(ask: () => Promise<Attempt>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await ask();
    await wait(ASK_EVERY_MS);
  }
}

function hearAll({ nats, domain }: TestFleet): readonly Heard[] {
  const trust = roleTrust(domain.keys.trust);
  const heard: Heard[] = [];
  nats.subscribe(SUBJECTS.lockStatus, {
    callback(failure, { data }) {
      if (failure !== null) return;
      try {
        const { status } = openStatus(data, trust, Date.now());
        const last = heard.at(-1);
        // A replay permits nothing.
        if (last === undefined || compareOrder(status, last.status) > 0) heard.push({ atMs: performance.now(), status });
      } catch {
        // A test's forgery.
      }
    },
  });
  return heard;
}

/** As soon as a status of another leader than this one is on the bus. */
export async function followedBy(fleet: TestFleet, leader: string): Promise<void> {
  await expect.poll(() => fleet.status()?.leader, PATIENCE).not.toBe(leader);
  await expect.poll(() => fleet.status()?.mode, PATIENCE).toBe('normal');
}

/** Every envelope that was sent on the lock's subject, as anybody on the bus may record it. */
export function recorded(fleet: TestFleet): readonly Uint8Array[] {
  const all: Uint8Array[] = [];
  fleet.nats.subscribe(SUBJECTS.lockStatus, { callback: (failure, { data }) => void (failure ?? all.push(data)) });
  return all;
}

export function signal(service: ServiceProcess, name: 'SIGSTOP' | 'SIGCONT'): void {
  process.kill(service.pid, name);
}
