import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface NatsProcess extends AsyncDisposable {
  /** nats://127.0.0.1:port */
  readonly url: string;
  readonly pid: number;
  /** What it has logged so far. */
  output(): string;
  /** Ends it at once, as a crash would; its JetStream folder stays until it is disposed of. */
  kill(): Promise<void>;
}

export interface NatsOptions {
  /** Port to listen on; 0 lets the system choose. */
  readonly port?: number;
  /** Where JetStream keeps its files; a new folder unless told. */
  readonly folder?: string;
  /** A whole configuration, users and JetStream's folder included; of the other options the port alone counts then. */
  readonly config?: string;
  /** More arguments for nats-server. */
  readonly more?: readonly string[];
}

/** A real NATS server with JetStream. Dispose of it with `await using`. */
export async function natsServer({ port = -1, folder, config, more = [] }: NatsOptions = {}): Promise<NatsProcess> {
  const store = folder ?? mkdtempSync(join(tmpdir(), 'smartlite-nats-'));
  const settings = config === undefined ? ['-js', '-sd', store, ...more] : ['-c', config];
  const server = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(port), ...settings], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  // A test that is killed must not leave its server behind.
  const end = () => void server.kill('SIGKILL');
  process.once('exit', end);
  let written = '';
  const url = await new Promise<string>((resolve, reject) => {
    server.stderr.on('data', (chunk: Buffer) => {
      written += chunk.toString();
      const listening = /client connections on (127\.0\.0\.1:\d+)/.exec(written);
      if (listening && written.includes('Server is ready')) resolve(`nats://${listening[1]}`);
    });
    server.once('error', reject);
    void exited.then(() => reject(new Error(`nats-server ended: ${written}`)));
  });
  return {
    url,
    pid: server.pid ?? 0,
    output: () => written,
    kill: async () => {
      end();
      await exited;
    },
    async [Symbol.asyncDispose]() {
      process.off('exit', end);
      server.kill('SIGTERM');
      await exited;
      if (folder === undefined) rmSync(store, { recursive: true, force: true });
    },
  };
}
