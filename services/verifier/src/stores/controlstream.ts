import { type Bus, controlStreamConfig, type Log, readStream } from '@smartlite/chassis';
import { STREAMS, SUBJECTS } from '@smartlite/contracts';
import { openControl, orderId, type Placed, type RoleTrust } from '@smartlite/trust';
import type { JsMsg } from 'nats';
import type { ControlLog } from '../engine.ts';
import { AppendQueue } from './appendqueue.ts';

const ENTRIES = `${SUBJECTS.control}.entry`;
const ORDERS = `${SUBJECTS.control}.order`;
const BEATS = `${SUBJECTS.control}.beat`;

const NANOS_PER_MS = 1_000_000;
/** Between attempts to follow the log again after the connection was lost. */
const FOLLOW_RETRY_MS = 250;

export interface ControlStreamParts {
  readonly bus: Bus;
  readonly log: Log;
  readonly trust: RoleTrust;
  readonly replicas: number;
  /** Signs one entry; called when its turn has come. */
  readonly sign: (body: Parameters<ControlLog['append']>[0]) => { readonly bytes: Uint8Array; readonly id: string };
  readonly stopping: AbortSignal;
}

/** The control log in a JetStream stream. Alarms are captured from their own subject: one publish is broadcast and entry. */
export function controlStream(parts: ControlStreamParts): ControlLog {
  const { bus, sign } = parts;
  const queue = new AppendQueue((subject, bytes) => bus.jetstream.publish(subject, bytes), parts.log, parts.stopping);
  return {
    append(body) {
      const make = () => {
        const { bytes, id } = sign(body);
        return { subject: body.kind === 'beat' ? BEATS : `${ENTRIES}.${id}`, bytes };
      };
      queue
        .add(make)
        .catch((caught: unknown) =>
          parts.log.error('an entry of the control log is given up', { kind: body.kind, because: String(caught) }),
        );
    },
    appendSigned: (bytes) => queue.add(() => ({ subject: `${ORDERS}.${orderId(bytes)}`, bytes })),
    follow: (on, signal) => new Follower(parts, on).run(signal),
  };
}

/** Reads the stream in order, and notices when it is not the stream that it has read before. */
class Follower {
  readonly #parts: ControlStreamParts;
  readonly #on: Parameters<ControlLog['follow']>[0];
  #next = 1;
  #anchor: { readonly position: number; readonly digest: string } | null = null;

  constructor(parts: ControlStreamParts, on: Parameters<ControlLog['follow']>[0]) {
    this.#parts = parts;
    this.#on = on;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#round(signal).catch((caught: unknown) =>
        this.#parts.log.warn('the control log cannot be followed', { because: String(caught) }),
      );
      if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, FOLLOW_RETRY_MS));
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { bus, replicas } = this.#parts;
    const manager = await bus.manager();
    const info = await manager.streams.info(STREAMS.control).catch(() => manager.streams.add(controlStreamConfig(replicas)));
    if (await this.#isOther(info.state.last_seq)) this.#restart();
    if (info.state.last_seq < this.#next) this.#on.caughtUp();
    const messages = readStream(bus, { stream: STREAMS.control, from: this.#next, signal });
    for await (const message of messages) this.#take(message, info.state.last_seq);
  }

  #take(message: JsMsg, end: number): void {
    if (message.seq < this.#next) return;
    this.#next = message.seq + 1;
    const placed = place(message, this.#parts.trust);
    if (placed.lasting) this.#anchor = { position: placed.position, digest: placed.digest };
    this.#on.message(placed);
    if (message.seq === end) this.#on.caughtUp();
  }

  /** Whether the log ends before what was read, or holds something else there: restored, wiped, or its tail lost. */
  async #isOther(lastSequence: number): Promise<boolean> {
    if (this.#anchor === null) return lastSequence < this.#next - 1;
    if (lastSequence < this.#anchor.position) return true;
    const manager = await this.#parts.bus.manager();
    const stored = await manager.streams.getMessage(STREAMS.control, { seq: this.#anchor.position }).catch(() => null);
    if (stored === null) return false;
    const { digest } = openControl(stored.data, { position: stored.seq, atMs: 0, lasting: true }, this.#parts.trust);
    return digest !== this.#anchor.digest;
  }

  #restart(): void {
    this.#next = 1;
    this.#anchor = null;
    this.#on.lost();
  }
}

function place(message: JsMsg, trust: RoleTrust): Placed {
  const lasting = message.subject.startsWith(`${ENTRIES}.`) || message.subject.startsWith(`${ORDERS}.`);
  const atMs = Math.floor(message.info.timestampNanos / NANOS_PER_MS);
  return openControl(message.data, { position: message.seq, atMs, lasting }, trust);
}
