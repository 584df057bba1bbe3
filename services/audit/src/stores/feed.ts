import { type Bus, type Log, troubled } from '@smartlite/chassis';
import { STREAMS } from '@smartlite/contracts';
import { AckPolicy, type JsMsg } from 'nats';
import type { Delivery, Feed } from '../engine.ts';

const CONSUMER = 'audit-log';
/** Entries that may be under way between the bus and the log. */
const PENDING_MAX = 4_096;
/** A batch is one checkpoint: a few fsyncs for so many entries. */
const BATCH_MAX = 1_024;
/** An entry that was not taken comes again after this long, at once when it is refused by name. */
const ACK_WAIT_MS = 30_000;
const AGAIN_MS = 1_000;
/** How long at most nothing happens: gaps are looked at this often. */
const IDLE_MS = 1_000;
const RETRY_MS = 500;
/** For how long one request for entries stands open, and how often the server says meanwhile that it is there. */
const EXPIRES_MS = 10_000;
const HEARTBEAT_MS = 2_000;
const NANOS_PER_MS = 1_000_000;
/** What is in the log leaves the bus this often: the stream refuses entries when it is full. */
const FORGET_MS = 10_000;

/** Entries from the stream, by one durable consumer of all instances: only the log's writer reads it. */
export function jetstreamFeed(bus: Bus, log: Log): Feed {
  return {
    async *batches(signal) {
      const arrived: Delivery[] = [];
      let wake = () => {};
      const following = follow(bus, log, signal, (message) => {
        arrived.push(deliveryOf(message));
        wake();
      });
      const forgetting = setInterval(() => void forget(bus, log), FORGET_MS);
      signal.addEventListener('abort', () => clearInterval(forgetting), { once: true });
      while (!signal.aborted) {
        if (arrived.length === 0) await new Promise<void>((resolve) => waitFor(resolve, signal, (now) => (wake = now)));
        if (!signal.aborted) yield arrived.splice(0, BATCH_MAX);
      }
      await following;
    },
  };
}

function waitFor(resolve: () => void, signal: AbortSignal, onWake: (wake: () => void) => void): void {
  const done = () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', done);
    resolve();
  };
  const timer = setTimeout(done, IDLE_MS);
  signal.addEventListener('abort', done, { once: true });
  onWake(done);
}

async function follow(bus: Bus, log: Log, signal: AbortSignal, onMessage: (message: JsMsg) => void): Promise<void> {
  while (!signal.aborted) {
    try {
      const manager = await bus.manager();
      await manager.consumers.add(STREAMS.audit, {
        durable_name: CONSUMER,
        ack_policy: AckPolicy.Explicit,
        ack_wait: ACK_WAIT_MS * NANOS_PER_MS,
        max_ack_pending: PENDING_MAX,
      });
      const consumer = await bus.jetstream.consumers.get(STREAMS.audit, CONSUMER);
      const messages = await consumer.consume({ max_messages: BATCH_MAX, expires: EXPIRES_MS, idle_heartbeat: HEARTBEAT_MS });
      const stop = () => messages.stop();
      // A server that has lost its store has lost the consumer, too; it is made anew then.
      void troubled(messages).then(stop, stop);
      signal.addEventListener('abort', stop, { once: true });
      for await (const message of messages) onMessage(message);
      signal.removeEventListener('abort', stop);
    } catch (error) {
      if (!signal.aborted) log.warn('entries cannot be read from the bus', { error });
    }
    if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Removes from the stream what is before everything that is not acknowledged yet. The log is the truth; the bus only carries. */
async function forget(bus: Bus, log: Log): Promise<void> {
  try {
    const manager = await bus.manager();
    const { ack_floor: floor } = await manager.consumers.info(STREAMS.audit, CONSUMER);
    const { state } = await manager.streams.info(STREAMS.audit);
    if (floor.stream_seq >= state.first_seq && state.messages > 0)
      await manager.streams.purge(STREAMS.audit, { seq: floor.stream_seq + 1 });
  } catch (error) {
    log.debug('the bus was not cleared of what is in the log', { error });
  }
}

function deliveryOf(message: JsMsg): Delivery {
  return {
    service: message.subject.split('.').at(-1) ?? '',
    bytes: message.data,
    done: () => message.ack(),
    again: () => message.nak(AGAIN_MS),
  };
}
