import type { Clock } from '@smartlite/chassis';
import { type LockStatus, type Moment, openAck, openStatus, type RoleTrust } from '@smartlite/trust';
import { AckQueue } from './ackqueue.ts';
import { type Applied, Acks } from './acks.ts';
import type { Tell } from './engine.ts';

/** From the first ack of a wave to the first that is verified: by then the wave has come in, and its verification is in nobody's way. */
const GATHER_MS = 150;
/** Between two batches: leaves most of a processor to whoever switches meanwhile, and a thousand are read within a second. */
const PAUSE_MS = 20;

export interface AckDeskParts {
  readonly trust: RoleTrust;
  readonly clock: Clock;
  readonly tell: Tell;
  /** Told of each status in an ack that outranks the one it answers, proven. */
  readonly outranked: (epoch: number) => void;
  readonly refused: (cause: unknown) => void;
}

/** Takes acks from the bus, verifies them when there is time, and knows who has applied what. */
export class AckDesk {
  readonly #parts: AckDeskParts;
  readonly #acks = new Acks();
  readonly #queue = new AckQueue((ack, heardAt) => this.#verify(ack, heardAt));
  #draining = false;

  constructor(parts: AckDeskParts) {
    this.#parts = parts;
  }

  /** An attacker's bytes until they are verified. */
  hear(ack: Uint8Array, heardAt: Moment): void {
    this.#queue.add(ack, heardAt);
    if (!this.#draining) this.#drainAfter(GATHER_MS);
  }

  broadcast(status: LockStatus, now: Moment): void {
    this.#acks.broadcast(status, now);
  }

  list(now: Moment): readonly Applied[] {
    return this.#acks.list(now);
  }

  /** Tells of each instance that has not applied the decision in force in time. */
  nameLaggards(now: Moment): void {
    for (const { service, instance, epoch, revision } of this.#acks.laggards(now))
      this.#parts.tell.lagging({ service, instance, epoch, revision });
  }

  #drainAfter(waitMs: number): void {
    this.#draining = true;
    setTimeout(() => {
      this.#draining = false;
      if (this.#queue.drain()) this.#drainAfter(PAUSE_MS);
    }, waitMs).unref();
  }

  #verify(bytes: Uint8Array, heardAt: Moment): void {
    try {
      this.#take(bytes, heardAt);
    } catch (caught) {
      this.#parts.refused(caught);
    }
  }

  #take(bytes: Uint8Array, heardAt: Moment): void {
    const { trust, clock, tell, outranked } = this.#parts;
    const { ack } = openAck(bytes, trust, clock.nowMs());
    const delayMs = this.#acks.take(ack, heardAt);
    if (delayMs !== null) tell.ackDelay(ack.service, delayMs);
    if (ack.held === undefined) return;
    outranked(openStatus(Buffer.from(ack.held, 'base64'), trust, clock.nowMs()).status.epoch);
  }
}
