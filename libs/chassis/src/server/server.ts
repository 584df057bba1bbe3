import { Server, ServerCredentials } from '@grpc/grpc-js';
import { MeshError } from '@smartlite/contracts';
import health from 'grpc-health-check';
import type { Implementation } from '../service.ts';
import { grpcHandlers } from './grpc.ts';
import { type Incoming } from './handle.ts';
import { standardLayers, type LayerParts } from './layers.ts';
import { routes } from './router.ts';

/** A minute of audio is 1.9 MB; an upload at the gateway is at most 25 MB. */
export const MESSAGE_BYTES_MAX = 32 * 1024 * 1024;
/** A peer that is gone without a word is noticed after about this long. */
export const KEEPALIVE_MS = 10_000;
export const KEEPALIVE_TIMEOUT_MS = 5_000;

/** Longest that the last bytes of ended calls are waited for. */
const GOODBYE_MS = 1_000;

const OPTIONS = {
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
  'grpc.keepalive_time_ms': KEEPALIVE_MS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
  'grpc.keepalive_permit_without_calls': 1,
};

export interface GrpcServer {
  /** host:port that it listens on. */
  readonly address: string;
  readonly inflight: number;
  /** What the standard health service says, for the process and each of its services. */
  setServing(serving: boolean): void;
  /** Refuses new calls, waits for those in flight until the signal, then ends the rest as unavailable. */
  drain(signal: AbortSignal): Promise<void>;
  /** Closes what is left. */
  close(): void;
}

/** Listens with all layers in front of every method. */
export async function listenGrpc(
  address: string,
  implementations: readonly Implementation[],
  parts: LayerParts,
): Promise<GrpcServer> {
  const server = new Server(OPTIONS);
  const open = new Set<Incoming>();
  let idle: (() => void) | undefined;
  const begun = (incoming: Incoming) => {
    open.add(incoming);
    return () => {
      open.delete(incoming);
      if (open.size === 0) idle?.();
    };
  };
  const layers = standardLayers(parts);
  for (const implementation of implementations) {
    server.addService(implementation.definition as never, grpcHandlers(routes(implementation, layers), { ...parts, begun }));
  }
  const names = ['', ...implementations.map(serviceName)];
  const healthService = new health.HealthImplementation(Object.fromEntries(names.map((name) => [name, 'NOT_SERVING' as const])));
  healthService.addToServer(server);
  const port = await bind(server, address);

  return {
    address: `${address.slice(0, address.lastIndexOf(':'))}:${port}`,
    get inflight() {
      return open.size;
    },
    setServing(serving) {
      for (const name of names) healthService.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
    },
    async drain(signal) {
      // Stops listening and says GOAWAY; calls under way go on.
      const shut = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      if (open.size > 0 && !signal.aborted) {
        await new Promise<void>((resolve) => {
          idle = resolve;
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
      for (const incoming of open) incoming.end(new MeshError('unavailable', 'this instance is stopping', { retryAfterMs: 0 }));
      // The last answers and statuses are still to be written; closing now would lose them.
      await Promise.race([shut, new Promise((resolve) => setTimeout(resolve, GOODBYE_MS).unref())]);
    },
    close: () => server.forceShutdown(),
  };
}

function serviceName({ definition }: Implementation): string {
  const [first] = Object.values(definition);
  return first?.path.split('/')[1] ?? '';
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (!error) return resolve(port);
      reject(
        new MeshError(
          'unavailable',
          `gRPC cannot listen on ${address}: is the port taken? Set SMARTLITE_GRPC_ADDRESS to another`,
          { cause: error },
        ),
      );
    });
  });
}
