import {
  applyNonceReply,
  applyStatus,
  beginNonce,
  type GuardState,
  latchAlarm,
  modeAt,
  needsNonce,
  newGuard,
  type NonceReply,
  type Outcome,
  type SignedStatus,
  type Verified,
} from '@smartlite/trust';
import { asVerified } from '../../../libs/trust/src/verified.ts';
import type { Host } from './host.ts';
import { LOCK, type Listener, type Message, type Store, type World } from './world.ts';

const POLL_MS = 250;
/** Witnesses and answers to deposed leaders go out at most this often. */
const WITNESS_MS = 500;

/** Who is told what a guard does. */
interface GuardEar {
  /** Every status that comes into force, with the state before. */
  readonly applied: (guard: SimulatedGuard, before: GuardState, signed: Verified<SignedStatus>) => void;
  /** Every alarm of its own. */
  readonly raised: (guard: SimulatedGuard, id: string) => void;
}

/** An instance's guard: the pure functions that run in production, in a shell that knows this world. */
export class SimulatedGuard implements Listener {
  readonly host: Host;
  readonly store: Store;
  readonly keyId: string;
  readonly #world: World;
  readonly #ear: GuardEar;
  state: GuardState;
  /** What was hashed and loaded; null where nothing may be. */
  memory: { readonly lockDigest: string; readonly bad: boolean } | null = null;
  #witnessedMs = -Infinity;
  #lives = 0;

  constructor(world: World, name: string, store: Store, ear: GuardEar) {
    this.#world = world;
    this.host = world.host(name);
    this.store = store;
    this.keyId = `key-of-${name}`;
    this.#ear = ear;
    this.state = newGuard({ store: store.name, keyId: this.keyId });
    world.listeners.push(this);
    world.every(POLL_MS, this.host, () => this.#poll());
    this.load();
  }

  /** Whether a chunk could leave the gate at this moment: the status permits it, and this process has verified these bytes. */
  emits(): boolean {
    return this.host.running && modeAt(this.state, this.host.now()).mode === 'normal' && this.memory !== null;
  }

  /** Reads its store as an engine does: what does not match is refused and reported. */
  load(): void {
    const bad = this.store.artifacts.some((artifact) => artifact.bad !== null);
    this.memory = bad ? null : { lockDigest: LOCK, bad };
    if (bad) this.alarm();
  }

  hear(message: Message): void {
    if (message.kind === 'status') this.#follow(applyStatus(this.state, message.signed, this.host.now()));
  }

  /** Bytes of its own store do not match the lock. */
  alarm(): void {
    this.host.run(() => this.#raise('DIGEST_MISMATCH', this.store.artifacts[0]?.id ?? ''));
  }

  /** The process starts anew: it has seen nothing. */
  restart(): void {
    this.state = newGuard({ store: this.store.name, keyId: this.keyId });
    for (const alarm of this.#world.alarmed.values()) if (alarm.keyId === this.keyId) alarm.forgotten = true;
    this.#lives += 1;
    this.load();
  }

  #poll(): void {
    const now = this.host.now();
    if (!needsNonce(this.state, now)) return;
    const nonce = this.#world.chance.hex(32);
    this.state = beginNonce(this.state, nonce, now);
    const answered: Listener = { host: this.host, hear: () => undefined };
    const answer = (reply: Verified<NonceReply>, from: Host) =>
      this.#world.carry(
        from,
        { ...answered, hear: () => this.#follow(applyNonceReply(this.state, reply, this.host.now())) },
        { kind: 'nonce', nonce, answer: () => undefined },
      );
    for (const listener of this.#world.listeners) {
      if (listener instanceof SimulatedGuard) continue;
      this.#world.carry(this.host, listener, { kind: 'nonce', nonce, answer: (reply) => answer(reply, listener.host) });
    }
  }

  #follow(outcome: Outcome): void {
    const before = this.state;
    this.state = outcome.state;
    if (outcome.state.applied !== null && outcome.state.applied !== before.applied)
      this.#ear.applied(this, before, outcome.state.applied);
    // Nothing bad is known any more: what was refused may be read again.
    if (outcome.kind === 'applied' && this.memory === null && outcome.state.latches.size === 0) this.load();
    if (outcome.kind === 'conflict') this.#raise('EQUIVOCATION', '');
    if (
      (outcome.kind !== 'unresolved' && outcome.kind !== 'stale-epoch') ||
      this.#world.schedule.nowMs - this.#witnessedMs < WITNESS_MS
    )
      return;
    this.#witnessedMs = this.#world.schedule.nowMs;
    if (outcome.kind === 'stale-epoch')
      return this.#world.publish(this.host, { kind: 'ack', held: this.#world.registry.status(outcome.held) });
    for (const witness of outcome.witness) this.#append(witness);
  }

  #raise(code: string, artifact: string): void {
    const { registry, chance } = this.#world;
    const id = chance.hex(64);
    const alarm = {
      service: 'asr',
      instance: this.host.name,
      store: this.store.name,
      artifact,
      digest: null,
      code,
      message: '',
      lockDigest: LOCK,
      raisedUnixMs: 0,
    } as const;
    const envelope = registry.envelope((bytes) => asVerified({ alarm, id, keyId: this.keyId, envelope: bytes }));
    this.#world.alarmed.set(id, { keyId: this.keyId, store: this.store, atMs: this.#world.schedule.nowMs, forgotten: false });
    this.state = latchAlarm(this.state, id, envelope);
    this.#ear.raised(this, id);
    this.#append(envelope);
  }

  /** One publish is broadcast and log entry; tried until the log has acknowledged it. */
  #append(envelope: Uint8Array): void {
    const { registry, log } = this.#world;
    const life = this.#lives;
    const isStatus = registry.isStatus(envelope);
    if (!isStatus) this.#world.publish(this.host, { kind: 'alarm', envelope });
    const message = isStatus
      ? ({ kind: 'witness', signed: registry.status(envelope) } as const)
      : ({ kind: 'alarm', signed: registry.alarm(envelope), conflict: null } as const);
    log.append(this.host, message, false, (acknowledged) => {
      if (!acknowledged && this.#lives === life) this.#append(envelope);
    });
  }
}
