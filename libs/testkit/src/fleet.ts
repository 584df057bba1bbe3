import { fileURLToPath } from 'node:url';
import { createPeers, type RunningPeers, systemClock, systemIds } from '@smartlite/chassis/parts';
import { type ServiceName, SUBJECTS } from '@smartlite/contracts';
import {
  type BudgetOrder,
  type LockStatus,
  openStatus,
  type Order,
  type RoleIdentity,
  roleTrust,
  signBudgetOrder,
  signOrder,
} from '@smartlite/trust';
import '@smartlite/contracts/nats-socket';
import { connect, type NatsConnection } from 'nats';
import { type TestDomain, testDomain, type TestDomainOptions } from './domain/domain.ts';
import { type NatsOptions, type NatsProcess, natsServer } from './nats.ts';
import { type ServiceProcess, startService } from './process.ts';

/** Leases that a busy machine does not run out of, and hardly any rest: for tests that are not about leases. */
const PATIENT = {
  SMARTLITE_STATUS_LEASE_MS: '30000',
  SMARTLITE_LEADER_LEASE_MS: '10000',
  SMARTLITE_RELEASE_DWELL_MS: '100',
};

/** The server that the fleet works with. */
export type FleetServer = Pick<NatsProcess, 'url' | 'kill' | 'output'>;

/** A whole fleet of real processes on a real NATS, with real signatures over scripted artifacts. */
export interface TestFleet extends AsyncDisposable {
  readonly domain: TestDomain;
  readonly server: FleetServer;
  readonly nats: NatsConnection;
  readonly peers: RunningPeers;
  /** Starts a process of that service and waits until it is healthy. */
  start(service: ServiceName, instance: string, more?: Readonly<Record<string, string>>): Promise<ServiceProcess>;
  /** Every authentic status that was broadcast, the latest last. */
  readonly statuses: readonly LockStatus[];
  /** The last of them. */
  status(): LockStatus | undefined;
  /** Sends an operator's order to the verifiers; resolves with the mode that it led to. */
  order(wish: OrderWish): Promise<string>;
  /** Has a limit of the budget set by an operator. */
  setLimit(limit: BudgetOrder['limit']): Promise<void>;
  /** Ends with the fleet, before its processes. */
  defer(end: () => unknown): void;
}

/** What an operator wants; fleet, generation, end and nonce are filled in. */
export type OrderWish = Wish<Order>;
type Wish<O> = O extends Order ? Omit<O, 'fleet' | 'generation' | 'notAfterUnixMs' | 'nonce'> : never;

export interface TestFleetOptions extends TestDomainOptions {
  /** Settings of every process. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly server?: NatsOptions;
  /** Addresses of servers that the test runs itself, with commas; `server` is ignored then. */
  readonly natsUrl?: string;
  /** User and password of the test's own connection, where the server knows its users. */
  readonly login?: { readonly user: string; readonly password: string };
}

/** Makes NATS, domain and an ear for lock statuses; no service runs yet. Dispose of it with `await using`. */
export async function testFleet({
  environment = {},
  server: natsOptions,
  natsUrl,
  login,
  ...options
}: TestFleetOptions = {}): Promise<TestFleet> {
  await using stack = new AsyncDisposableStack();
  const server = natsUrl === undefined ? stack.use(await natsServer(natsOptions)) : elsewhere(natsUrl);
  const domain = stack.use(await testDomain(options));
  const nats = await connect({
    servers: server.url.split(','),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    ...(login && { user: login.user, pass: login.password, inboxPrefix: SUBJECTS.inbox(login.user) }),
  });
  stack.defer(() => nats.close());
  const peers = createPeers({ nats, clock: systemClock, ids: systemIds });
  stack.defer(() => peers.close());
  const statuses = hearStatuses(nats, domain);
  let operator: RoleIdentity | undefined;
  const all = stack.move();
  return {
    domain,
    server,
    nats,
    peers,
    statuses,
    status: () => statuses.at(-1),
    defer: (end) => all.defer(async () => void (await end())),
    async start(service, instance, more = {}) {
      const own = await domain.environment(service, instance);
      const settings = { ...own, ...PATIENT, SMARTLITE_NATS_URL: server.url, ...environment, ...more };
      return all.use(await startService({ file: serviceFile(service), environment: settings }));
    },
    async order(wish) {
      operator ??= await domain.identity('operator', 'operator-1');
      const { fleet, generation } = domain.keys.trust;
      const nonce = Buffer.from(systemIds.bytes(16)).toString('hex');
      const order = { ...wish, fleet, generation, notAfterUnixMs: systemClock.nowMs() + 60_000, nonce };
      const { mode } = await peers.verifier.order({ signedOrder: Buffer.from(signOrder(order, operator)) }, {});
      return mode;
    },
    async setLimit(limit) {
      operator ??= await domain.identity('operator', 'operator-1');
      await peers.budget.setLimit({ signedOrder: Buffer.from(budgetOrder(limit, domain, operator)) }, {});
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Servers that somebody else ends. */
function elsewhere(url: string): FleetServer {
  return { url, output: () => '', kill: () => Promise.reject(new Error('kill the servers where they were started')) };
}

/** An order that is good now, for the domain's fleet. */
export function budgetOrder(limit: BudgetOrder['limit'], { keys }: TestDomain, operator: RoleIdentity): Uint8Array {
  const { fleet, generation } = keys.trust;
  const nonce = Buffer.from(systemIds.bytes(16)).toString('hex');
  return signBudgetOrder({ fleet, generation, limit, notAfterUnixMs: systemClock.nowMs() + 60_000, nonce }, operator);
}

function serviceFile(service: ServiceName): string {
  return fileURLToPath(new URL(`../../../services/${service}/src/service.ts`, import.meta.url));
}

function hearStatuses(nats: NatsConnection, domain: TestDomain): readonly LockStatus[] {
  const trust = roleTrust(domain.keys.trust);
  const heard: LockStatus[] = [];
  nats.subscribe(SUBJECTS.lockStatus, {
    callback(failure, { data }) {
      if (failure !== null) return;
      try {
        heard.push(openStatus(data, trust, systemClock.nowMs()).status);
      } catch {
        // A test's forgery.
      }
    },
  });
  return heard;
}
