import type { ChildProcess } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { Backoff } from './backoff.ts';
import { markOf, type ProcessMark } from './process-facts.ts';
import type { RotatingLog } from './rotating-log.ts';

/** A process that asks to end gets this long before it is killed: calls in flight may finish (a turn's deadline is 30 s; most take 2 s). */
const STOP_MS = 10_000;
/** Settings are wrong, or the process cannot run here: starting it again would change nothing. */
const EXIT_MISUSE = 2;

export type KeptState =
  | { readonly kind: 'running'; readonly child: ChildProcess; readonly mark: ProcessMark | undefined; readonly sinceMs: number }
  | { readonly kind: 'waiting'; readonly timer: NodeJS.Timeout }
  | { readonly kind: 'given-up'; readonly because: string }
  | { readonly kind: 'stopped' };

export interface KeptOptions {
  readonly name: string;
  readonly spawn: () => ChildProcess;
  readonly log: RotatingLog;
  /** Told after each change of state, so that run/mesh.json can follow. */
  readonly onChange: () => void;
  readonly onMessage?: (message: unknown) => void;
  /** Told when it is gone although it should not be. */
  readonly onCrash?: (because: string, waitMs: number) => void;
}

/** Keeps one process running: starts it again after a crash, with growing waits, until it is stopped. */
export class KeptProcess {
  readonly name: string;
  readonly #options: KeptOptions;
  readonly #backoff = new Backoff();
  #state: KeptState = { kind: 'stopped' };
  #restarts = 0;

  constructor(options: KeptOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get state(): KeptState {
    return this.#state;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get mark(): ProcessMark | undefined {
    return this.#state.kind === 'running' ? this.#state.mark : undefined;
  }

  start(): void {
    const child = this.#options.spawn();
    child.stdout?.on('data', (chunk: Buffer) => this.#options.log.write(chunk));
    child.stderr?.on('data', (chunk: Buffer) => this.#options.log.write(chunk));
    child.on('message', (message) => this.#options.onMessage?.(message));
    child.once('error', (error) => this.#ended(`cannot be started: ${error.message}`, EXIT_MISUSE));
    child.once('exit', (code, signal) => this.#ended(signal ? `ended by ${signal}` : `ended with exit code ${code}`, code));
    const mark = child.pid === undefined ? undefined : markOf(child.pid);
    this.#enter({ kind: 'running', child, mark, sinceMs: performance.now() });
  }

  /** Sends a message to the process, if it runs. */
  send(message: Record<string, unknown>): void {
    if (this.#state.kind === 'running' && this.#state.child.connected) this.#state.child.send(message);
  }

  /** Ends the process and keeps it ended: asks first, kills later. */
  async stop(stopMs = STOP_MS): Promise<void> {
    const state = this.#state;
    if (state.kind === 'waiting') clearTimeout(state.timer);
    this.#enter({ kind: 'stopped' });
    if (state.kind === 'running') await end(state.child, stopMs);
    this.#options.log.close();
  }

  #ended(because: string, code: number | null): void {
    const state = this.#state;
    if (state.kind !== 'running') return;
    if (code === EXIT_MISUSE) {
      this.#enter({ kind: 'given-up', because });
      return;
    }
    const waitMs = this.#backoff.next(performance.now() - state.sinceMs);
    this.#options.onCrash?.(because, waitMs);
    const timer = setTimeout(() => {
      this.#restarts += 1;
      this.start();
    }, waitMs);
    this.#enter({ kind: 'waiting', timer });
  }

  #enter(state: KeptState): void {
    this.#state = state;
    this.#options.onChange();
  }
}

function end(child: ChildProcess, stopMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    const timer = setTimeout(() => child.kill('SIGKILL'), stopMs);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
