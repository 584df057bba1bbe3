import type { Bus } from '@smartlite/chassis';
import { STREAMS, SUBJECTS } from '@smartlite/contracts';
import { DiscardPolicy, RetentionPolicy, StorageType } from 'nats';
import type { LedgerLog, Logged } from '../engine.ts';
import { parseEntry } from '../entry.ts';

/** The longest window is a day: what is older decides nothing any more, but limits set by operators stay until they are set again. */
const STREAM = {
  name: STREAMS.ledger,
  subjects: [SUBJECTS.ledger],
  retention: RetentionPolicy.Limits,
  storage: StorageType.File,
  // A full ledger must refuse new entries, never forget old ones.
  discard: DiscardPolicy.New,
  max_bytes: 4 * 1024 ** 3,
  max_msg_size: 16 * 1024,
  allow_direct: false,
};

const NANOS_PER_MS = 1_000_000;
/** Between attempts to follow the log again after the connection was lost. */
const FOLLOW_RETRY_MS = 250;

/** The ledger's log in a JetStream stream. */
export function ledgerStream(bus: Bus): LedgerLog {
  const encoder = new TextEncoder();
  return {
    async append(authored) {
      const ack = await bus.jetstream.publish(SUBJECTS.ledger, encoder.encode(JSON.stringify(authored)));
      return ack.seq;
    },
    async end() {
      const manager = await bus.manager();
      await manager.streams.info(STREAM.name).catch(() => manager.streams.add(STREAM));
      return (await manager.streams.info(STREAM.name)).state.last_seq;
    },
    follow: (onEntry, signal) => follow(bus, onEntry, signal),
  };
}

/** An ordered consumer gives every entry once and in order, and makes itself anew when the server or the connection is lost. */
async function follow(bus: Bus, onEntry: (entry: Logged) => void, signal: AbortSignal): Promise<void> {
  let next = 1;
  while (!signal.aborted) {
    const consumer = await bus.jetstream.consumers.get(STREAM.name, { opt_start_seq: next });
    const messages = await consumer.consume();
    const stop = () => messages.stop();
    signal.addEventListener('abort', stop, { once: true });
    for await (const message of messages) {
      if (message.seq < next) continue;
      next = message.seq + 1;
      onEntry({
        authored: parseEntry(message.data),
        position: message.seq,
        streamMs: Math.floor(message.info.timestampNanos / NANOS_PER_MS),
      });
    }
    signal.removeEventListener('abort', stop);
    if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, FOLLOW_RETRY_MS));
  }
}
