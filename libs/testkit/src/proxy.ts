import { createServer, connect, type Socket } from 'node:net';
import { once } from 'node:events';

/** A wire to NATS that a test can cut, and slow down. */
export interface WireProxy extends AsyncDisposable {
  /** Where to connect instead of to the server itself. */
  readonly url: string;
  /** Breaks what is open and refuses what comes, until `heal`. */
  cut(): void;
  heal(): void;
  /** From now on every byte, in both directions, arrives so much later. */
  delay(ms: number): void;
}

/** Listens on a free port and passes bytes on to the server. */
export async function wireProxy(serverUrl: string): Promise<WireProxy> {
  const { hostname, port } = new URL(serverUrl);
  const open = new Set<Socket>();
  let whole = true;
  let delayMs = 0;
  const pass = (from: Socket, to: Socket) => {
    from.on('data', (chunk) => {
      if (delayMs === 0) return void to.write(chunk);
      setTimeout(() => to.write(chunk), delayMs);
    });
    from.on('close', () => to.destroy());
    from.on('error', () => to.destroy());
    open.add(from);
    from.on('close', () => open.delete(from));
  };
  const server = createServer((near) => {
    if (!whole) return void near.destroy();
    const far = connect(Number(port), hostname);
    pass(near, far);
    pass(far, near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  const breakAll = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    url: `nats://127.0.0.1:${address.port}`,
    cut() {
      whole = false;
      breakAll();
    },
    heal: () => void (whole = true),
    delay: (ms) => void (delayMs = ms),
    async [Symbol.asyncDispose]() {
      breakAll();
      server.close();
    },
  };
}
