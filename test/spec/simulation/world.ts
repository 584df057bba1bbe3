import type { NonceReply, SignedAlarm, SignedOrder, SignedStatus, Verified } from '@smartlite/trust';
import { Chance } from './chance.ts';
import { Host } from './host.ts';
import { Log } from './log.ts';
import { Schedule } from './schedule.ts';

export const LOCK = `sha256:${'1'.repeat(64)}`;

/** Shorter than in production by the same measure, so that a history is short. */
export const TIMES = { leadMs: 800, ttlMs: 2_000, beatMs: 200, renewalMs: 400, dwellMs: 300, unsafeEveryMs: 1_500 };

/** One host's copy of the models. */
export interface Store {
  readonly name: string;
  readonly artifacts: { readonly id: string; bad: 'mismatch' | 'signature' | null }[];
  /** Whether any of its bytes has ever been bad: then reports of it are true. */
  everBad: boolean;
}

/**
 * Signatures cost nothing here: a proven message is its object, found by the bytes of its envelope. Who cannot sign cannot make one, so
 * an adversary on the bus can only replay, delay, drop and reorder; one with a key is modelled by its owner misbehaving.
 */
export class Registry {
  readonly #objects = new Map<string, unknown>();
  #count = 0;

  envelope(object: (envelope: Uint8Array) => unknown): Uint8Array {
    this.#count += 1;
    const bytes = Buffer.from(`message-${this.#count}`);
    this.#objects.set(bytes.toString(), object(bytes));
    return bytes;
  }

  status(envelope: Uint8Array): Verified<SignedStatus> {
    return this.#find(envelope) as Verified<SignedStatus>;
  }
  alarm(envelope: Uint8Array): Verified<SignedAlarm> {
    return this.#find(envelope) as Verified<SignedAlarm>;
  }
  order(envelope: Uint8Array): Verified<SignedOrder> {
    return this.#find(envelope) as Verified<SignedOrder>;
  }
  isStatus(envelope: Uint8Array): boolean {
    return 'status' in (this.#find(envelope) as object);
  }
  isOrder(envelope: Uint8Array): boolean {
    return 'order' in (this.#find(envelope) as object);
  }

  #find(envelope: Uint8Array): unknown {
    return this.#objects.get(Buffer.from(envelope).toString());
  }
}

/** An alarm, for the checker. */
export interface RaisedAlarm {
  readonly keyId: string;
  readonly store: Store;
  readonly atMs: number;
  /** Its author's process has ended since, and with it the author's memory. */
  forgotten: boolean;
}

/** What the bus carries. */
export type Message =
  | { readonly kind: 'status'; readonly signed: Verified<SignedStatus> }
  | { readonly kind: 'nonce'; readonly nonce: string; readonly answer: (reply: Verified<NonceReply>) => void }
  | { readonly kind: 'alarm'; readonly envelope: Uint8Array }
  | { readonly kind: 'ack'; readonly held: Verified<SignedStatus> };

export interface Listener {
  readonly host: Host;
  hear(message: Message): void;
}

/** Everything outside the nodes: true time, chance, the log, the bus and its faults. */
export class World {
  readonly schedule = new Schedule();
  readonly chance: Chance;
  readonly log: Log;
  readonly registry = new Registry();
  readonly listeners: Listener[] = [];
  /** All statuses that were ever sent, for whoever replays them. */
  readonly sent: Verified<SignedStatus>[] = [];
  /** True time at which each beat, or the campaign (number 0), of an epoch was sent, with its leader time. */
  readonly beats: { readonly epoch: number; readonly number: number; readonly leaderMs: number; readonly trueMs: number }[] = [];
  /** Failures that a verifier has found itself and told the fleet. */
  readonly told = new Set<string>();
  /** Alarms that instances have raised. */
  readonly alarmed = new Map<string, RaisedAlarm>();
  readonly #leaders = new Map<number, string>();
  faulty = true;

  constructor(seed: number) {
    this.chance = new Chance(seed);
    this.log = new Log(this.schedule, this.chance);
  }

  host(name: string): Host {
    return new Host(name, this.schedule, this.chance);
  }

  publish(from: Host, message: Message): void {
    if (message.kind === 'status') this.#send(message.signed);
    for (const listener of this.listeners) this.carry(from, listener, message);
  }

  /** Of all that is ever sent in one epoch, whoever hears it, one key has signed. */
  #send(signed: Verified<SignedStatus>): void {
    const { epoch } = signed.status;
    const leader = this.#leaders.get(epoch) ?? signed.keyId;
    if (leader !== signed.keyId) throw new Error(`oneLeader: ${leader} and ${signed.keyId} both sign in epoch ${epoch}`);
    this.#leaders.set(epoch, leader);
    this.sent.push(signed);
  }

  /** To one listener: dropped, delayed by milliseconds or by seconds, twice. */
  carry(from: Host, to: Listener, message: Message): void {
    const copies = this.faulty && this.chance.is(0.03) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      if (this.faulty && this.chance.is(0.05)) continue;
      const delayMs = this.faulty && this.chance.is(0.05) ? this.chance.between(100, 8_000) : this.chance.between(0.2, 5);
      if (!from.speaks) continue;
      this.schedule.after(delayMs, () => {
        if (to.host.hears && to.host.apart === from.apart) to.host.run(() => to.hear(message));
      });
    }
  }

  every(periodMs: number, host: Host, work: () => void): void {
    const again = () => {
      host.run(work);
      this.schedule.after(periodMs, again);
    };
    this.schedule.after(this.chance.between(0, periodMs), again);
  }
}
