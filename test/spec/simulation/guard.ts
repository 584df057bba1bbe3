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

/** An instance's guard: the pure functions that run in production, in a shell that knows this world. */
export class SimulatedGuard implements Listener {
  readonly host: Host;
  readonly store: Store;
  readonly keyId: string;
  readonly #world: World;
  /** Told of every status that comes into force, with the state before and after. */
  readonly #applied: (guard: SimulatedGuard, before: GuardState, signed: Verified<SignedStatus>) => void;
  state: GuardState;
  #witnessedMs = -Infinity;

  constructor(
    world: World,
    name: string,
    store: Store,
    applied: (guard: SimulatedGuard, before: GuardState, signed: Verified<SignedStatus>) => void,
  ) {
    this.#world = world;
    this.host = world.host(name);
    this.store = store;
    this.keyId = `key-of-${name}`;
    this.#applied = applied;
    this.state = newGuard({ store: store.name, keyId: this.keyId });
    world.listeners.push(this);
    world.every(POLL_MS, this.host, () => this.#poll());
  }

  /** Whether a chunk could leave the gate at this moment. */
  emits(): boolean {
    return this.host.running && modeAt(this.state, this.host.now()).mode === 'normal';
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
      this.#applied(this, before, outcome.state.applied);
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
    this.state = latchAlarm(this.state, id, envelope);
    this.#append(envelope);
  }

  /** One publish is broadcast and log entry; tried until the log has acknowledged it. */
  #append(envelope: Uint8Array): void {
    const { registry, log } = this.#world;
    const isStatus = registry.isStatus(envelope);
    if (!isStatus) this.#world.publish(this.host, { kind: 'alarm', envelope });
    const message = isStatus
      ? ({ kind: 'witness', signed: registry.status(envelope) } as const)
      : ({ kind: 'alarm', signed: registry.alarm(envelope), conflict: null } as const);
    log.append(this.host, message, false, (acknowledged) => {
      if (!acknowledged) this.#append(envelope);
    });
  }
}
