import { isDeepStrictEqual } from 'node:util';
import { MeshError } from '@smartlite/contracts';
import { TrustError } from '@smartlite/trust';
import type { Clock } from '../clock.ts';
import type { VerifiedFiles } from '../platform.ts';
import type { ModelFact } from '../service.ts';
import type { EngineHost, EngineProcess } from './host.ts';
import type { Gate } from './pool-gate.ts';
import type { Permission, WantedModel } from './pool-permission.ts';

export type AnyEngine = EngineProcess<unknown, unknown>;
/** Waits, or rejects with the signal's reason. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<void>;

/** First wait before a restart; it doubles, so that a process that always dies does not eat the machine. */
export const RESTART_FIRST_MS = 250;
/** Longest wait before a restart; a repaired file is noticed within this time. */
export const RESTART_MOST_MS = 30_000;
/** A process that ran this long was healthy: the next restart begins with the first wait again. */
export const STABLE_MS = 60_000;
export const LOCK_CHANGED = 'the lock has changed';
/** What a call may bring about. */
const MAY_BE_LOADED: ReadonlySet<Permission['kind']> = new Set(['run', 'standby', 'allow']);

/** What happens to a slot's process, told to the pool, which logs and records it. */
export interface SlotListener {
  loaded(model: WantedModel, process: AnyEngine, tookMs: number): void;
  unloaded(model: WantedModel, because: string): void;
  failed(model: WantedModel, failure: MeshError, retryMs: number): void;
}

export interface SlotParts {
  readonly engines: EngineHost;
  readonly clock: Clock;
  readonly gate: Gate;
  readonly wait: Wait;
  readonly listener: SlotListener;
  /** The lock that this slot's process must have verified, at first. */
  readonly lockDigest: string;
}

type SlotState =
  | { readonly kind: 'unloaded'; readonly because: string }
  | { readonly kind: 'loading'; readonly controller: AbortController; readonly done: Promise<void> }
  | { readonly kind: 'loaded'; readonly process: AnyEngine; readonly sinceMs: number }
  | { readonly kind: 'failed'; readonly failure: MeshError; readonly retryMs: number; readonly controller: AbortController };

/** One model under one lock: at most one engine process, in step with what the lock state permits. */
export class ModelSlot {
  readonly model: WantedModel;
  readonly #parts: SlotParts;
  #lockDigest: string;
  #permission: Permission = { kind: 'hold', because: 'no lock status yet' };
  #state: SlotState = { kind: 'unloaded', because: 'not needed yet' };
  #failures = 0;
  #standsBy = false;

  constructor(model: WantedModel, parts: SlotParts) {
    this.model = model;
    this.#parts = parts;
    this.#lockDigest = parts.lockDigest;
  }

  /** Brings the process in step with a new permission. Starting it happens in the background. */
  apply(permission: Permission): void {
    this.#permission = permission;
    if (permission.kind === 'stop') this.stop(permission.because);
    else if (this.#isWanted && this.#state.kind === 'unloaded') this.#load();
  }

  /** Another lock comes into force: what is loaded stays, for what is under way, and is given to nobody else; what is not is not begun any more. */
  freeze(): void {
    if (this.#state.kind === 'loaded') this.apply({ kind: 'hold', because: LOCK_CHANGED });
    else this.stop(LOCK_CHANGED);
  }

  /** Whether the slot may go on under another lock: the model is wanted as before, and its process has verified that the lock covers it. */
  async relock(model: WantedModel | undefined, files: VerifiedFiles): Promise<boolean> {
    const { process } = this;
    if (process === undefined || !isDeepStrictEqual(model, this.model) || !(await process.relock(files))) return false;
    this.#lockDigest = files.lockDigest;
    return this.process === process && process.lockDigest === files.lockDigest;
  }

  /** From now on a standby is kept loaded as well. */
  standBy(): void {
    this.#standsBy = true;
    this.apply(this.#permission);
  }

  /** The process that is loaded at this moment. */
  get process(): AnyEngine | undefined {
    return this.#state.kind === 'loaded' ? this.#state.process : undefined;
  }

  /** The process, loaded first if need be. Throws `unavailable`, with a reason, when it cannot be had now. */
  async demand(signal: AbortSignal): Promise<AnyEngine> {
    if (this.#state.kind === 'unloaded' && MAY_BE_LOADED.has(this.#permission.kind)) this.#load();
    if (this.#state.kind === 'loading') await unlessAborted(this.#state.done, signal);
    if (this.process === undefined) throw this.#unavailable();
    return this.process;
  }

  /** Ends the process, or the attempt to start one. */
  stop(because: string): void {
    const before = this.#state;
    if (before.kind === 'unloaded') return;
    this.#state = { kind: 'unloaded', because };
    this.#failures = 0;
    if (before.kind === 'loaded') {
      before.process.kill();
      this.#parts.listener.unloaded(this.model, because);
    } else before.controller.abort(new MeshError('unavailable', because));
  }

  /** Resolves when no start is under way. */
  async settled(): Promise<void> {
    if (this.#state.kind === 'loading') await this.#state.done;
  }

  get fact(): ModelFact {
    const { id, tier, role } = this.model;
    return { id, tier, role, ...describe(this.#state) };
  }

  get #isWanted(): boolean {
    return this.#permission.kind === 'run' || (this.#permission.kind === 'standby' && this.#standsBy);
  }

  #load(): void {
    const controller = new AbortController();
    this.#state = { kind: 'loading', controller, done: this.#loading(controller.signal) };
  }

  async #loading(signal: AbortSignal): Promise<void> {
    const beganMs = this.#parts.clock.monotonicMs();
    try {
      const process = await this.#start(signal);
      // A stop that came while the process started has already set the next state; nothing may bring this process back.
      if (signal.aborted) process.kill();
      else this.#adopt(process, beganMs);
    } catch (caught) {
      if (!signal.aborted) this.#fail(failureOf(caught));
    }
  }

  async #start(signal: AbortSignal): Promise<AnyEngine> {
    const { engines, gate } = this.#parts;
    const lockDigest = this.#lockDigest;
    const leave = await gate.enter(signal);
    try {
      const { id, work } = this.model;
      const process = await engines.start<unknown, unknown>(id, { signal, ...work });
      if (process.lockDigest === lockDigest) return process;
      process.kill();
      throw new MeshError('unavailable', `the lock on this host is ${process.lockDigest}, the lock in force is ${lockDigest}`);
    } finally {
      leave();
    }
  }

  #adopt(process: AnyEngine, beganMs: number): void {
    const nowMs = this.#parts.clock.monotonicMs();
    this.#state = { kind: 'loaded', process, sinceMs: nowMs };
    this.#parts.listener.loaded(this.model, process, nowMs - beganMs);
    void process.exited.then(({ code, signal }) => {
      this.#exited(process, `its engine process ended (${signal ?? `exit code ${code}`})`);
    });
  }

  #exited(process: AnyEngine, because: string): void {
    if (this.#state.kind !== 'loaded' || this.#state.process !== process) return;
    if (this.#parts.clock.monotonicMs() - this.#state.sinceMs >= STABLE_MS) this.#failures = 0;
    this.#parts.listener.unloaded(this.model, because);
    this.#fail(new MeshError('unavailable', because));
  }

  #fail(failure: MeshError): void {
    const retryMs = Math.min(RESTART_FIRST_MS * 2 ** this.#failures, RESTART_MOST_MS);
    this.#failures += 1;
    const controller = new AbortController();
    this.#state = { kind: 'failed', failure, retryMs, controller };
    this.#parts.listener.failed(this.model, failure, retryMs);
    void this.#parts.wait(retryMs, controller.signal).then(
      () => this.#retry(controller),
      () => undefined,
    );
  }

  #retry(controller: AbortController): void {
    if (this.#state.kind !== 'failed' || this.#state.controller !== controller) return;
    if (this.#isWanted) this.#load();
    else this.#state = { kind: 'unloaded', because: this.#state.failure.message };
  }

  #unavailable(): MeshError {
    const state = this.#state;
    const because = describe(state).because ?? 'it is not loaded';
    const retry = state.kind === 'failed' ? { retryAfterMs: state.retryMs } : {};
    return new MeshError('unavailable', `model ${this.model.id} cannot be used: ${because}`, retry);
  }
}

/** What lock and pack themselves are refused for comes as trust's own error. */
function failureOf(caught: unknown): MeshError {
  if (!(caught instanceof TrustError)) return MeshError.from(caught);
  return new MeshError('unavailable', caught.message, { cause: caught, facts: { finding: caught.code } });
}

function describe(state: SlotState): Pick<ModelFact, 'state' | 'because'> {
  switch (state.kind) {
    case 'loading':
    case 'loaded':
      return { state: state.kind };
    case 'unloaded':
      return { state: 'unloaded', because: state.because };
    case 'failed':
      return { state: failedState(state.failure), because: state.failure.message };
  }
}

/** The engine host names the finding, where bytes were the reason. */
function failedState({ code, facts, retryable }: MeshError): ModelFact['state'] {
  const finding = facts['finding'];
  if (code === 'not-found' || finding === 'ARTIFACT_MISSING') return 'missing';
  return finding === undefined && retryable ? 'unloaded' : 'refused';
}

function unlessAborted(done: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason as Error);
    if (signal.aborted) return leave();
    signal.addEventListener('abort', leave, { once: true });
    void done.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
