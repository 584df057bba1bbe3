import { Client, connectivityState, credentials } from '@grpc/grpc-js';
import { KEEPALIVE_MS, KEEPALIVE_TIMEOUT_MS, MESSAGE_BYTES_MAX } from '../server/server.ts';

const OPTIONS = {
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
  'grpc.keepalive_time_ms': KEEPALIVE_MS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
  // Another instance is asked instead: retrying is this library's decision.
  'grpc.enable_retries': 0,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
};

interface Open {
  readonly address: string;
  readonly client: Client;
}

/** One channel an instance, opened when first needed. */
export class Channels {
  readonly #open = new Map<string, Open>();
  readonly #lost: (instance: string) => void;

  /** `lost` is told when a connection that stood is broken. */
  constructor(lost: (instance: string) => void) {
    this.#lost = lost;
  }

  to(instance: string, address: string): Client {
    const known = this.#open.get(instance);
    if (known?.address === address) return known.client;
    known?.client.close();
    const client = new Client(address, credentials.createInsecure(), OPTIONS);
    this.#open.set(instance, { address, client });
    this.#watch(instance, client.getChannel());
    return client;
  }

  /** Closes channels to instances that are gone. */
  keepOnly(instances: ReadonlySet<string>): void {
    for (const [instance, { client }] of this.#open) {
      if (instances.has(instance)) continue;
      client.close();
      this.#open.delete(instance);
    }
  }

  close(): void {
    this.keepOnly(new Set());
  }

  #watch(instance: string, channel: ReturnType<Client['getChannel']>): void {
    let state = channel.getConnectivityState(false);
    const next = () => {
      channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, (error) => {
        if (error) return;
        const before = state;
        state = channel.getConnectivityState(false);
        if (state === connectivityState.SHUTDOWN) return;
        if (before === connectivityState.READY || state === connectivityState.TRANSIENT_FAILURE) this.#lost(instance);
        next();
      });
    };
    next();
  }
}
