import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import '@smartlite/contracts/nats-socket';
import { connect } from 'nats';
import { type NatsProcess, natsServer } from './nats.ts';
import { temporaryFolder } from './process.ts';

/** Three nodes: the smallest cluster that outlives one of them. */
const NODES = [0, 1, 2] as const;
const LOOK_MS = 100;

/** A cluster of real servers, each with JetStream. Dispose of it with `await using`. */
export interface NatsCluster extends AsyncDisposable {
  /** All addresses, with commas, as SMARTLITE_NATS_URL takes them. */
  readonly url: string;
  /** Kills the node of that name at once. */
  kill(name: string): Promise<void>;
  /** Starts a killed node again, with what it had on its disk. */
  restart(name: string): Promise<void>;
  /** Names of the nodes that run. */
  running(): readonly string[];
}

/** Starts three nodes on free ports and waits until they have a common JetStream. */
export async function natsCluster(): Promise<NatsCluster> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(temporaryFolder()).path;
  const ports = await freePorts(2 * NODES.length);
  const nameOf = (node: number) => `node-${node}`;
  const routes = NODES.map((node) => `nats://127.0.0.1:${ports[NODES.length + node]}`);
  const up = new Map<string, NatsProcess>();
  const start = async (name: string) => {
    const node = NODES.findIndex((each) => nameOf(each) === name);
    const cluster = ['--cluster_name', 'test', '--cluster', routes[node] ?? '', '--routes', routes.join(',')];
    const more = ['-n', name, ...cluster];
    up.set(name, await natsServer({ port: ports[node] ?? 0, folder: join(folder, name), more }));
  };
  stack.defer(async () => {
    for (const server of up.values()) await server[Symbol.asyncDispose]();
  });
  await Promise.all(NODES.map((node) => start(nameOf(node))));
  const url = NODES.map((node) => `nats://127.0.0.1:${ports[node]}`).join(',');
  await untilJetStream(url);
  const all = stack.move();
  return {
    url,
    restart: start,
    running: () => [...up.keys()],
    async kill(name) {
      await up.get(name)?.kill();
      up.delete(name);
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** JetStream answers as soon as the nodes have chosen a leader of its own. */
async function untilJetStream(servers: string): Promise<void> {
  const nats = await connect({ servers: servers.split(',') });
  const answers = async () =>
    (await nats.jetstreamManager()).getAccountInfo().then(
      () => true,
      () => false,
    );
  while (!(await answers().catch(() => false))) await wait(LOOK_MS);
  await nats.close();
}

/** Ports that nobody listens on; all are held until the last is found, so that they differ. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
