import { type Clock, type Log, rateLimit, type RateLimit } from '@smartlite/chassis';
import {
  compareOrder,
  type Moment,
  openAlarm,
  openStatus,
  parseNonceRequest,
  proveConflict,
  type RoleIdentity,
  type RoleTrust,
  signNonceReply,
  type SignedStatus,
  type Verified,
} from '@smartlite/trust';
import type { AckDesk } from './ackdesk.ts';
import type { Act } from './act.ts';
import type { LockBus } from './engine.ts';
import type { VerifierNode } from './node.ts';

/** Refusals that have a line each: whoever floods the bus with noise must not fill the disk as well. */
const REFUSALS_LOGGED = { burst: 20, perSecond: 0.5 };

export interface EarParts {
  readonly node: VerifierNode;
  readonly acks: AckDesk;
  readonly trust: RoleTrust;
  readonly identity: () => RoleIdentity;
  readonly clock: Clock;
  readonly log: Log;
  readonly now: () => Moment;
  /** The own status in force, signed; null while this verifier does not lead. */
  readonly own: () => Uint8Array | null;
  readonly act: (acts: readonly Act[]) => void;
}

/** What comes in by the bus. Anybody can put bytes there; what cannot be proven is dropped with a line in the log. */
export class Ear {
  readonly #parts: EarParts;
  readonly #mayLog: RateLimit;
  #held: Verified<SignedStatus> | null = null;

  constructor(parts: EarParts) {
    this.#parts = parts;
    this.#mayLog = rateLimit(parts.clock, REFUSALS_LOGGED);
  }

  /** The last status seen on the bus, the own one included. */
  get status(): Verified<SignedStatus> | null {
    return this.#held;
  }

  listen(bus: LockBus): void {
    const { acks, now } = this.#parts;
    bus.listen({
      nonce: (request) => this.#answer(request),
      ack: (bytes) => acks.hear(bytes, now()),
      alarm: (bytes) => this.#quietly('an alarm', () => this.#alarm(bytes)),
      status: (bytes) => this.#quietly('a lock status', () => this.#status(bytes)),
    });
  }

  refused(what: string, caught: unknown): void {
    const pass = this.#mayLog();
    if (!pass.allowed) return;
    const because = caught instanceof Error ? caught.message : String(caught);
    this.#parts.log.warn('a message on the bus is refused', { what, because, unlogged: pass.suppressed });
  }

  /** A guard asks for the leader's time. Only a leader that may permit answers. */
  #answer(request: Uint8Array): Uint8Array | null {
    const { node, now, trust, own, identity } = this.#parts;
    const time = node.leaderTime(now());
    if (time === null) return null;
    try {
      const { fleet, generation } = trust;
      return signNonceReply({ fleet, generation, nonce: parseNonceRequest(request), ...time, status: own() }, identity());
    } catch {
      return null;
    }
  }

  #status(bytes: Uint8Array): void {
    const { trust, clock, acks, node, now } = this.#parts;
    const signed = openStatus(bytes, trust, clock.nowMs());
    if (this.#held !== null && compareOrder(signed.status, this.#held.status) <= 0) return;
    this.#held = signed;
    acks.broadcast(signed.status, now());
    node.observe(signed.status);
  }

  #alarm(bytes: Uint8Array): void {
    const { trust, clock, node, now, act } = this.#parts;
    const signed = openAlarm(bytes, trust, clock.nowMs());
    const conflict = proveConflict(signed.alarm.proof, trust, clock.nowMs());
    act(node.foresee({ kind: 'alarm', signed, conflict }, now()));
  }

  #quietly(what: string, work: () => void): void {
    try {
      work();
    } catch (caught) {
      this.refused(what, caught);
    }
  }
}
