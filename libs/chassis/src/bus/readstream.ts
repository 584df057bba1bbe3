import { AckPolicy, ConsumerEvents, type ConsumerMessages, DeliverPolicy, type JsMsg, nanos } from 'nats';
import type { Bus } from '../platform.ts';

/** For how long one request for messages stands open; a lost one is made again then. */
const EXPIRES_MS = 2_000;
/** The server says so often that it is there; two that are missing end the reading. */
const HEARTBEAT_MS = 1_000;
/** A consumer that nobody asks any more goes by itself. */
const INACTIVE_MS = 30_000;
/** How often the stream's end is compared with what was read: a stream that is wiped under a living connection gives no sign of it. */
const CHECK_MS = 5_000;

export interface StreamPart {
  readonly stream: string;
  /** Sequence of the first message that is wanted. */
  readonly from: number;
  /** Only messages on this subject. */
  readonly subject?: string;
  readonly signal: AbortSignal;
  /** How many messages there were when the reading began. */
  readonly onOpen?: (pending: number) => void;
}

/** What says that the consumer may not go on as it was. */
const TROUBLE: ReadonlySet<unknown> = new Set([
  ConsumerEvents.HeartbeatsMissed,
  ConsumerEvents.ConsumerNotFound,
  ConsumerEvents.ConsumerDeleted,
  ConsumerEvents.StreamNotFound,
  ConsumerEvents.NoResponders,
]);

/**
 * Messages of a stream in their order, none left out. Returns at the signal, and whenever the stream may be another than before: after
 * a reconnect, when its consumer is gone or silent, or when it ends before what was read. Whoever reads on compares first. Throws when
 * the server makes no consumer in the time of one request: it may have placed it on a node that is dead, so the next try is a new one.
 * The client's own ordered consumer does all this by itself, but waits half a minute between tries, and asks for the same placement each time.
 */
export async function* readStream(bus: Bus, part: StreamPart): AsyncGenerator<JsMsg> {
  const { stream, from, subject, onOpen } = part;
  const manager = await bus.manager();
  const { name, num_pending: pending } = await manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: from,
    inactive_threshold: nanos(INACTIVE_MS),
    mem_storage: true,
    num_replicas: 1,
    ...(subject !== undefined && { filter_subject: subject }),
  });
  const consumer = await bus.jetstream.consumers.get(stream, name);
  const messages = await consumer.consume({ expires: EXPIRES_MS, idle_heartbeat: HEARTBEAT_MS });
  onOpen?.(pending);
  const place = { next: from };
  const unwatch = stopWhenDoubtful(bus, messages, part, place);
  try {
    let delivered = 0;
    for await (const message of messages) {
      // Something was lost on the way.
      if (message.info.deliverySequence !== (delivered += 1)) return;
      place.next = message.seq + 1;
      yield message;
    }
  } finally {
    unwatch();
    messages.stop();
    manager.consumers.delete(stream, name).catch(() => undefined);
  }
}

/** Resolves when the messages' consumer, or its stream, is gone or silent: the client would ask for it for ever. Or when they end. */
export async function troubled(messages: ConsumerMessages): Promise<void> {
  for await (const { type } of await messages.status()) if (TROUBLE.has(type)) return;
}

/** Ends the messages as soon as something says that the stream must be looked at anew. Returns how to look no more. */
function stopWhenDoubtful(
  bus: Bus,
  messages: ConsumerMessages,
  { stream, signal }: StreamPart,
  place: { readonly next: number },
): () => void {
  let done = false;
  const stop = () => messages.stop();
  const watchConnection = async () => {
    for await (const { type } of bus.nats.status()) {
      if (done) return;
      if (type === 'reconnect') return stop();
    }
  };
  const watchEnd = async () => {
    const manager = await bus.manager();
    const info = await manager.streams.info(stream).catch(() => undefined);
    if (info === undefined || info.state.last_seq < place.next - 1) stop();
  };
  watchConnection().catch(stop);
  void troubled(messages).then(stop, stop);
  const checking = setInterval(() => void watchEnd().catch(stop), CHECK_MS);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  return () => {
    done = true;
    clearInterval(checking);
    signal.removeEventListener('abort', stop);
  };
}
