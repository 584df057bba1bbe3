import { setTimeout as sleep } from 'node:timers/promises';
import { MeshError } from '@smartlite/contracts';
import type { Pack } from '@smartlite/trust';
import type { Bus, LockState, Platform, VerifiedFiles } from '../platform.ts';
import { unlessAborted } from '../server/ending.ts';
import type { ModelFact } from '../service.ts';
import type { EngineProcess } from './host.ts';
import { Gate } from './pool-gate.ts';
import { permissionFor, type WantedModel } from './pool-permission.ts';
import { type AnyEngine, LOCK_CHANGED, ModelSlot, RESTART_MOST_MS, type SlotListener, type Wait } from './pool-slot.ts';

export type { WantedModel } from './pool-permission.ts';

/** Loading is bound by the processor; two at once fill a small machine, and a large model does not hold up a small one. */
const LOADING_AT_ONCE = 2;
/** First wait before lock and pack are read anew because they are not yet the ones in force. Doubles up to RESTART_MOST_MS. */
const ADOPT_FIRST_MS = 250;
/** How long a call waits for a lock that is being adopted. Its models are there at once, or have to be loaded, which takes longer. */
const ADOPT_WAIT_MS = 5_000;
/** How long what serves has been loaded before the standbys are: a start, and the first calls, have the machine to themselves. */
export const STANDBY_AFTER_MS = 10_000;

export interface PoolOptions {
  /** Which models to keep, from the pack that the lock in force covers. Pure. */
  readonly plan: (pack: Pack) => readonly WantedModel[];
  readonly wait?: Wait;
}

export type PoolPlatform = Pick<Platform, 'service' | 'instance' | 'clock' | 'log' | 'trail' | 'guard' | 'models' | 'engines'> & {
  readonly bus: Pick<Bus, 'publishEvent'>;
};

interface Adopted {
  readonly lockDigest: string;
  readonly pack: Pack;
  readonly shadowsStandIn: boolean;
  readonly slots: ReadonlyMap<string, ModelSlot>;
}

/**
 * Keeps a service's engine processes in step with the lock state: loads when the mode permits, restarts after a crash, unloads in safe
 * mode, ends all when halted. Under a new lock those go on that have verified it and hold what it covers; the others are loaded anew. Every load and unload is logged, published and audited.
 */
export class ModelPool {
  readonly #platform: PoolPlatform;
  readonly #plan: PoolOptions['plan'];
  readonly #wait: Wait;
  readonly #gate = new Gate(LOADING_AT_ONCE);
  readonly #closing = new AbortController();
  #adopted: Adopted | undefined;
  /** Slots of the lock before, while another one is being adopted. */
  #former: readonly ModelSlot[] = [];
  #adopting: { readonly lockDigest: string; readonly done: Promise<void> } | undefined;
  #unfollow: () => void = () => undefined;

  constructor(platform: PoolPlatform, { plan, wait = pause }: PoolOptions) {
    this.#platform = platform;
    this.#plan = plan;
    this.#wait = wait;
  }

  /** Begins to follow the lock state. Returns at once: models load in the background. */
  start(): void {
    this.#unfollow = this.#platform.guard.onChange((state) => this.#follow(state));
    this.#follow(this.#platform.guard.current());
  }

  /** The pack that the lock in force covers; undefined until it has been verified here. */
  get pack(): Pack | undefined {
    return this.#adopted?.lockDigest === this.#platform.guard.current().lockDigest ? this.#adopted?.pack : undefined;
  }

  /** Of the policy of the lock in force: a verified shadow may take the place of a primary that cannot answer. */
  get shadowsStandIn(): boolean {
    return this.pack !== undefined && this.#adopted?.shadowsStandIn === true;
  }

  /** Resolves when no other lock is being adopted, which takes a moment where its models are those that are loaded; or when that takes long. */
  async underLock(signal: AbortSignal): Promise<void> {
    if (this.#adopting === undefined) return;
    const waiting = AbortSignal.any([signal, AbortSignal.timeout(ADOPT_WAIT_MS)]);
    await unlessAborted(waiting, this.#adopting.done).catch(() => undefined);
  }

  /** The running engine of a model, under the lock in force; undefined when it cannot be used at this moment. */
  get<Request, Chunk>(modelId: string): EngineProcess<Request, Chunk> | undefined {
    return this.#slot(modelId)?.process as EngineProcess<Request, Chunk> | undefined;
  }

  /** The engine of a model, loaded first if need be. Throws `unavailable` with the reason. */
  async demand<Request, Chunk>(modelId: string, signal: AbortSignal): Promise<EngineProcess<Request, Chunk>> {
    const slot = this.#slot(modelId);
    if (slot === undefined) throw new MeshError('unavailable', `model ${modelId} is not in the pack that is in force here`);
    return (await slot.demand(signal)) as EngineProcess<Request, Chunk>;
  }

  /** State of every model, for the mesh's status. */
  facts(): readonly ModelFact[] {
    return [...(this.#adopted?.slots.values() ?? [])].map((slot) => slot.fact);
  }

  /** Pieces of work that wait in the queues of all engine processes. */
  get queued(): number {
    return [...(this.#adopted?.slots.values() ?? [])].reduce((sum, slot) => sum + (slot.process?.queued ?? 0), 0);
  }

  /** Resolves when nothing is being verified or loaded. */
  async settled(): Promise<void> {
    await this.#adopting?.done;
    await Promise.all([...(this.#adopted?.slots.values() ?? [])].map((slot) => slot.settled()));
  }

  /** Ends every engine process. */
  close(): void {
    this.#unfollow();
    this.#closing.abort(new MeshError('unavailable', 'the service is stopping'));
    this.#stopAll('the service is stopping');
  }

  #slot(modelId: string): ModelSlot | undefined {
    const { lockDigest } = this.#platform.guard.current();
    return this.#adopted?.lockDigest === lockDigest ? this.#adopted?.slots.get(modelId) : undefined;
  }

  #follow(state: LockState): void {
    if (this.#closing.signal.aborted) return;
    for (const slot of this.#former) {
      const permission = permissionFor(slot.model, state);
      if (permission.kind === 'stop') slot.stop(permission.because);
    }
    if (namesAnotherLock(state, this.#adopted)) this.#adopt(state.lockDigest);
    else this.#apply(state);
  }

  #apply(state: LockState): void {
    for (const slot of this.#adopted?.slots.values() ?? []) slot.apply(permissionFor(slot.model, state));
  }

  #adopt(lockDigest: string): void {
    if (this.#adopting?.lockDigest === lockDigest) return;
    if (this.#adopted !== undefined) this.#former = [...this.#adopted.slots.values()];
    this.#adopted = undefined;
    for (const slot of this.#former) slot.freeze();
    const done = this.#adoptUntilItIs(lockDigest);
    this.#adopting = { lockDigest, done };
  }

  /** The files of this host may lag behind the lock in force; they are read until they are the same or another one is in force. */
  async #adoptUntilItIs(lockDigest: string): Promise<void> {
    const isCurrent = () => !this.#closing.signal.aborted && this.#platform.guard.current().lockDigest === lockDigest;
    for (let waitMs = ADOPT_FIRST_MS; isCurrent(); waitMs = Math.min(waitMs * 2, RESTART_MOST_MS)) {
      const files = await this.#filesUnder(lockDigest);
      if (files !== undefined && isCurrent()) return this.#use(files, isCurrent);
      if (files === undefined) await this.#wait(waitMs, this.#closing.signal).catch(() => undefined);
    }
    if (this.#adopting?.lockDigest === lockDigest) this.#adopting = undefined;
  }

  async #filesUnder(lockDigest: string): Promise<VerifiedFiles | undefined> {
    try {
      const files = await this.#platform.models.verify();
      if (files.lockDigest === lockDigest) return files;
      this.#platform.log.warn('lock file is not the lock in force', { file: files.lockDigest, inForce: lockDigest });
    } catch (caught) {
      this.#platform.log.warn('lock or pack not verified', { error: caught instanceof Error ? caught.message : 'unknown' });
    }
    return undefined;
  }

  async #use(files: VerifiedFiles, isCurrent: () => boolean): Promise<void> {
    const { lockDigest, lock, pack } = files;
    const { engines, clock } = this.#platform;
    const parts = { engines, clock, gate: this.#gate, wait: this.#wait, listener: this.#listener, lockDigest };
    const wanted = new Map(this.#plan(pack).map((model) => [model.id, model]));
    const kept = await this.#relocked(wanted, files);
    if (!isCurrent()) return;
    for (const slot of this.#former) if (!kept.has(slot.model.id)) slot.stop(LOCK_CHANGED);
    this.#former = [];
    const slots = new Map([...wanted].map(([id, model]) => [id, kept.get(id) ?? new ModelSlot(model, parts)]));
    this.#adopted = { lockDigest, pack, shadowsStandIn: lock.verification_policy.allow_shadow_fallback, slots };
    this.#adopting = undefined;
    this.#apply(this.#platform.guard.current());
    void this.#standBy(this.#adopted);
  }

  /** Slots whose process has verified that it serves the same under the new lock. All are asked at once, so that an answer is never of an older question. */
  async #relocked(wanted: ReadonlyMap<string, WantedModel>, files: VerifiedFiles): Promise<ReadonlyMap<string, ModelSlot>> {
    const asked = this.#former.map(async (slot) => ((await slot.relock(wanted.get(slot.model.id), files)) ? [slot] : []));
    const kept = (await Promise.all(asked)).flat();
    this.#platform.log.info('lock adopted', { lockDigest: files.lockDigest, kept: kept.map(({ model }) => model.id) });
    return new Map(kept.map((slot) => [slot.model.id, slot]));
  }

  /** One after the other: nobody waits for them. */
  async #standBy(adopted: Adopted): Promise<void> {
    const standbys = [...adopted.slots.values()].filter(({ model }) => model.load === 'standby');
    if (standbys.length === 0) return;
    await this.settled();
    await this.#wait(STANDBY_AFTER_MS, this.#closing.signal).catch(() => undefined);
    for (const slot of standbys) {
      if (this.#closing.signal.aborted || this.#adopted !== adopted) return;
      slot.standBy();
      await slot.settled();
    }
  }

  #stopAll(because: string): void {
    for (const slot of [...this.#former, ...(this.#adopted?.slots.values() ?? [])]) slot.stop(because);
  }

  readonly #listener: SlotListener = {
    loaded: (model, process, tookMs) => this.#recordLoaded(model, process, tookMs),
    unloaded: (model, because) => {
      const { service, instance, log, bus, trail } = this.#platform;
      log.info('model unloaded', { model: model.id, because });
      bus.publishEvent('model.unloaded', { service, instance, model: model.id, because });
      trail.record('model.unloaded', { model: model.id, because });
    },
    failed: (model, failure, retryMs) => {
      this.#platform.log.warn('model not loaded', { model: model.id, code: failure.code, error: failure.message, retryMs });
    },
  };

  #recordLoaded(model: WantedModel, process: AnyEngine, tookMs: number): void {
    const { service, instance, log, bus, trail } = this.#platform;
    const { artifactDigests, lockDigest, engine, pid } = process;
    log.info('model loaded', { model: model.id, engine, pid, tookMs: Math.round(tookMs) });
    bus.publishEvent('model.loaded', { service, instance, model: model.id, artifactDigests });
    trail.record('model.loaded', { model: model.id, engine, artifact_digests: artifactDigests, lock_digest: lockDigest });
  }
}

/** While a lease has run out, or no status has come, no lock is adopted and none is given up. */
function namesAnotherLock(state: LockState, adopted: Adopted | undefined): state is LockState & { lockDigest: string } {
  const decided = state.mode === 'normal' || (state.mode === 'safe' && !state.local);
  return decided && state.lockDigest !== null && state.lockDigest !== adopted?.lockDigest;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false });
}
