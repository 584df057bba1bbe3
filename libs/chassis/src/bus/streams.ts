import { MeshError, STREAMS, SUBJECTS } from '@smartlite/contracts';
import {
  DiscardPolicy,
  Events,
  type JetStreamManager,
  type NatsConnection,
  NatsError,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from 'nats';
import type { Log } from '../platform.ts';

const NANOS_PER_SECOND = 1_000_000_000;
const HOUR = 3_600;
const DAY = 24 * HOUR;
const MIB = 1024 ** 2;

type Wanted = Partial<StreamConfig> & { readonly name: string };

const limits = { retention: RetentionPolicy.Limits } as const;

/** Streams that belong to no single service. Control and ledger are made by the services whose logs they are. */
const COMMON: readonly Wanted[] = [
  // The last status alone: whoever comes later starts from it.
  {
    ...limits,
    name: STREAMS.lock,
    subjects: [SUBJECTS.lockStatus],
    storage: StorageType.File,
    max_msgs_per_subject: 1,
    discard: DiscardPolicy.Old,
  },
  // Full means refuse: an entry may only go once the audit service holds it. Producers keep their own until then.
  {
    ...limits,
    name: STREAMS.audit,
    subjects: [SUBJECTS.audits],
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_bytes: 512 * MIB,
    duplicate_window: HOUR * NANOS_PER_SECOND,
  },
  {
    ...limits,
    name: STREAMS.events,
    subjects: [SUBJECTS.events],
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: 7 * DAY * NANOS_PER_SECOND,
    max_bytes: 128 * MIB,
    duplicate_window: 120 * NANOS_PER_SECOND,
  },
  // The local trace store.
  {
    ...limits,
    name: STREAMS.traces,
    subjects: [SUBJECTS.traces],
    storage: StorageType.Memory,
    discard: DiscardPolicy.Old,
    max_age: HOUR * NANOS_PER_SECOND,
    max_bytes: 64 * MIB,
  },
];

/** A server that has just come back may need some seconds for its JetStream. */
const AGAIN_MS = 1_000;
/** JetStream's answer when a stream of that name exists with other limits. */
const STREAM_NAME_IN_USE = 10_058;

/** Makes the streams that all services rely on; one that exists, with whatever limits, is left as it is. */
export async function ensureStreams(manager: JetStreamManager, replicas: number): Promise<void> {
  await Promise.all(
    COMMON.map((stream) =>
      ensureStream(manager, { ...stream, num_replicas: stream.storage === StorageType.Memory ? 1 : replicas }),
    ),
  );
}

/**
 * Makes the streams again whenever the connection comes back: a NATS whose store is gone comes back without them, and nobody would be
 * heard until every service is started anew. Tried until it works; ends with the connection.
 */
export async function keepStreams(nats: NatsConnection, replicas: number, log: Log): Promise<void> {
  for await (const { type } of nats.status()) {
    if (type === Events.Reconnect) void ensureAgain(nats, replicas, log);
  }
}

async function ensureAgain(nats: NatsConnection, replicas: number, log: Log): Promise<void> {
  while (!nats.isClosed()) {
    try {
      return await ensureStreams(await nats.jetstreamManager(), replicas);
    } catch (caught) {
      log.warn('the streams of NATS are not there yet', { code: MeshError.from(caught).code });
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS).unref());
    }
  }
}

/** Makes a stream unless it is there. Safe to call from many processes at once. */
export async function ensureStream(manager: JetStreamManager, stream: Wanted): Promise<void> {
  try {
    await manager.streams.add(stream);
  } catch (caught) {
    if (caught instanceof NatsError && caught.api_error?.err_code === STREAM_NAME_IN_USE) return;
    throw new MeshError(
      'unavailable',
      `the stream ${stream.name} cannot be made: does NATS run with JetStream, and has it room?`,
      { cause: caught },
    );
  }
}
