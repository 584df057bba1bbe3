import { SUBJECTS } from '@smartlite/contracts';
import { type ServiceProcess, type TestFleet, testFleet, type TestFleetOptions } from '@smartlite/testkit';
import { expect } from 'vitest';

export const PATIENCE = { timeout: 90_000 };
export const LEASE_MS = 6_000;
/** Leases short enough to wait for, long enough for a machine that several share. */
const SHORT = {
  SMARTLITE_STATUS_LEASE_MS: String(LEASE_MS),
  SMARTLITE_LEADER_LEASE_MS: '2500',
  SMARTLITE_RELEASE_DWELL_MS: '200',
};
const REQUEST = {
  messages: [{ role: 'user', content: 'hello' }],
  tier: '',
  maxTokens: 0,
  temperature: 0,
  seed: 0n,
  facts: undefined,
};
const CALLER = { user: 'alice', tenant: 'acme', regions: [], operator: false };

/** What one question at a service led to. */
export interface Attempt {
  readonly atMs: number;
  /** When the last piece of an answer came; null where there was none. */
  readonly answeredMs: number | null;
  readonly code: string;
}

/** A fleet in which somebody asks all the time. */
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
