import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SCRIPTED_MAIN = fileURLToPath(new URL('./scripted/main.ts', import.meta.url));
const CACHE = fileURLToPath(new URL('../../../.smartlite/cache', import.meta.url));
/** What one process has compiled the next need not: most of what a start costs. */
const COMPILED = { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? CACHE };

/** A service as a real process. */
export interface ServiceProcess extends AsyncDisposable {
  readonly pid: number;
  readonly instance: string;
  readonly grpc: string;
  readonly metrics: string;
  readonly addresses: Readonly<Record<string, string>>;
  /** Steps its wall clock, and no other process'; resolves when that is done. Its monotonic clock goes on as before. */
  stepWallClock(byMs: number): Promise<void>;
  /** Everything it has written so far. */
  output(): string;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** SIGTERM, and waits for its end. */
  stop(): Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** SIGKILL, and waits for its end. */
  kill(): Promise<void>;
}

export interface ServiceStart {
  /** Path of its service.ts. */
  readonly file: string;
  readonly environment: Readonly<Record<string, string>>;
}

interface Ready {
  readonly kind: 'ready';
  readonly instance: string;
  readonly grpc: string;
  readonly metrics: string;
  readonly addresses: Readonly<Record<string, string>>;
}

/** Starts a service with the engine `scripted` added, and waits until it is healthy. Rejects with its output when it ends before. */
export async function startService({ file, environment }: ServiceStart): Promise<ServiceProcess> {
  const child = fork(SCRIPTED_MAIN, [file], {
    env: { PATH: process.env['PATH'], ...COMPILED, ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [],
  });
  let written = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (written += chunk.toString()));
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
    child.once('exit', (code, signal) => resolve({ code, signal })),
  );
  const end = () => void child.kill('SIGKILL');
  process.once('exit', end);
  void exited.then(() => process.off('exit', end));
  const ready = await new Promise<Ready>((resolve, reject) => {
    child.on('message', (message: Ready) => message.kind === 'ready' && resolve(message));
    void exited.then(({ code, signal }) =>
      reject(new Error(`${file} ended with ${code ?? signal} before it was ready:\n${written}`)),
    );
  });
  const kill = async () => {
    end();
    await exited;
  };
  return {
    ...ready,
    pid: child.pid ?? 0,
    exited,
    kill,
    stepWallClock: (byMs) =>
      new Promise((resolve, reject) => {
        const done = (message: { readonly kind?: string }) => {
          if (message.kind !== 'stepped') return;
          child.off('message', done);
          resolve();
        };
        child.on('message', done);
        child.send({ stepWallClockMs: byMs }, (failure) => failure && reject(failure));
      }),
    output: () => written,
    async stop() {
      child.kill('SIGTERM');
      return exited;
    },
    [Symbol.asyncDispose]: kill,
  };
}

/** A folder that is removed with `using`. */
export function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'smartlite-test-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
