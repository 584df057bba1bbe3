import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MeshError } from '@smartlite/contracts';

export interface HealthFacts {
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
  /** Undefined when calls may come; else why not. */
  readonly notReady: () => string | undefined;
}

export interface HealthServer {
  /** host:port that it listens on. */
  readonly address: string;
  close(): Promise<void>;
}

/** Serves `/metrics`, `/healthz` (the process lives) and `/readyz` (calls may come). */
export async function listenHealth(address: string, facts: HealthFacts): Promise<HealthServer> {
  const server = createServer((request, response) => {
    answer(request.url ?? '/', facts, response).catch(() => response.destroy());
  });
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  const port = await listen(server, host, Number(address.slice(colon + 1)));
  return {
    address: `${address.slice(0, colon)}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(path: string, { metrics, notReady }: HealthFacts, response: ServerResponse): Promise<void> {
  const [resource = ''] = path.split('?');
  switch (resource) {
    case '/metrics':
      response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8').end(await metrics());
      return;
    case '/healthz':
      response.end('ok\n');
      return;
    case '/readyz': {
      const because = notReady();
      response.writeHead(because === undefined ? 200 : 503).end(`${because ?? 'ready'}\n`);
      return;
    }
    default:
      response.writeHead(404).end('there are /metrics, /healthz and /readyz here\n');
  }
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new MeshError(
          'unavailable',
          `metrics cannot listen on ${host}:${port}: is the port taken? Set SMARTLITE_METRICS_ADDRESS to another`,
          { cause },
        ),
      );
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
