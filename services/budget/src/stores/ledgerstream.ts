import { createHash } from 'node:crypto';
import { type Bus, type Log, readStream } from '@smartlite/chassis';
import { STREAMS, SUBJECTS } from '@smartlite/contracts';
import { DiscardPolicy, type JsMsg, NatsError, RetentionPolicy, StorageType, type StreamState } from 'nats';
import type { LedgerLog, LedgerReader } from '../engine.ts';
import { headersOf, sealOf } from './seals.ts';
import { SnapshotStore } from './snapshotstore.ts';

const STREAM = {
  name: STREAMS.ledger,
  subjects: [SUBJECTS.ledger],
  retention: RetentionPolicy.Limits,
  storage: StorageType.File,
  // A full ledger must refuse new entries, never forget old ones: only what a snapshot holds is let go.
  discard: DiscardPolicy.New,
  // Two spans between snapshots take some 100 MB; the rest is for a time in which none can be stored.
  max_bytes: 4 * 1024 ** 3,
  max_msg_size: 512 * 1024,
  allow_direct: false,
};

const NANOS_PER_MS = 1_000_000;
/** Between attempts to follow the log again after the connection was lost. */
const FOLLOW_RETRY_MS = 250;
/** JetStream's answer for a message that is not there. */
const NO_MESSAGE_FOUND = 10_037;

export interface LedgerStreamParts {
  readonly bus: Bus;
  readonly journal: Log;
  /** Copies of the stream in the NATS cluster. */
  readonly replicas: number;
  /** Messages from one snapshot to the next; as many before the latest stay for readers that are a little behind. */
  readonly snapshotEvery: number;
}

/** The ledger's log in a JetStream stream. */
export function ledgerStream(parts: LedgerStreamParts): LedgerLog {
  const snapshots = new SnapshotStore(parts.bus, parts.replicas);
  return {
    async append({ body, seal }) {
      await parts.bus.jetstream.publish(SUBJECTS.ledger, body, seal && { headers: headersOf(seal) });
    },
    async keep(snapshot, position) {
      await snapshots.write(snapshot);
      const seq = position - parts.snapshotEvery;
      if (seq > 0) await (await parts.bus.manager()).streams.purge(STREAM.name, { seq });
    },
    follow: (reader, signal) => new Follower(parts, reader, snapshots).run(signal),
  };
}

/** Reads the stream in order, and notices when it is not the stream that it has read before. */
class Follower {
  readonly #parts: LedgerStreamParts;
  readonly #reader: LedgerReader;
  readonly #snapshots: SnapshotStore;
  #next = 1;
  #digest = '';

  constructor(parts: LedgerStreamParts, reader: LedgerReader, snapshots: SnapshotStore) {
    this.#parts = parts;
    this.#reader = reader;
    this.#snapshots = snapshots;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#round(signal).catch((caught: unknown) =>
        this.#parts.journal.warn('the ledger cannot be followed', { because: String(caught) }),
      );
      if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, FOLLOW_RETRY_MS));
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { bus, replicas } = this.#parts;
    const manager = await bus.manager();
    const known = await manager.streams.info(STREAM.name).catch(() => undefined);
    const { state } = known ?? (await manager.streams.add({ ...STREAM, num_replicas: replicas }));
    // The message that was read last has been let go meanwhile: a snapshot tells what came after it.
    if (this.#next > 1 && this.#next <= state.first_seq) this.#next = 1;
    else if (await this.#isOther(state.last_seq)) await this.#restart(state.last_seq);
    if (this.#next === 1) await this.#resume(state);
    if (state.last_seq < this.#next) this.#reader.caughtUp();
    const messages = readStream(bus, { stream: STREAM.name, from: this.#next, signal });
    for await (const message of messages) if (!this.#take(message, state.last_seq)) break;
  }

  /** False where an entry is missing between what was read and this one: the next round looks why. */
  #take(message: JsMsg, end: number): boolean {
    if (message.seq < this.#next) return true;
    if (message.seq > this.#next && this.#next > 1) return false;
    this.#next = message.seq + 1;
    this.#digest = digestOf(message.data);
    const streamMs = Math.floor(message.info.timestampNanos / NANOS_PER_MS);
    this.#reader.page({
      sealed: { body: message.data, seal: sealOf(message) },
      position: message.seq,
      digest: this.#digest,
      streamMs,
    });
    if (message.seq === end) this.#reader.caughtUp();
    return true;
  }

  /** Whether the log ends before what was read, or holds something else there. */
  async #isOther(last: number): Promise<boolean> {
    const position = this.#next - 1;
    if (position === 0) return false;
    if (last < position) return true;
    const manager = await this.#parts.bus.manager();
    try {
      return digestOf((await manager.streams.getMessage(STREAM.name, { seq: position })).data) !== this.#digest;
    } catch (caught) {
      if (caught instanceof NatsError && caught.api_error?.err_code === NO_MESSAGE_FOUND) return true;
      throw caught;
    }
  }

  /** Nobody shall begin from a snapshot of a log that is no more. */
  async #restart(last: number): Promise<void> {
    this.#next = 1;
    this.#reader.lost(last);
    await this.#snapshots.remove();
  }

  /** Begins from the latest snapshot. One that the log does not hold the message of says that the log has lost its end. */
  async #resume({ first_seq: first, last_seq: last }: StreamState): Promise<void> {
    const bytes = await this.#snapshots.read();
    const at = bytes && this.#reader.restore(bytes);
    // Without one a log that begins later cannot be read; whoever had read a part of it begins anew.
    if (!at) return first > 1 && this.#digest !== '' ? this.#reader.lost(last) : undefined;
    this.#next = at.position + 1;
    this.#digest = at.digest;
    // Asked anew: the snapshot may be younger than what was known of the stream's end.
    const { state } = await (await this.#parts.bus.manager()).streams.info(STREAM.name);
    if (await this.#isOther(state.last_seq)) await this.#restart(state.last_seq);
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
