import { type Events, type EventType, MeshError, STREAMS, SUBJECTS } from '@smartlite/contracts';
import type { RoleTrust } from '@smartlite/trust';
import type { ConsumerMessages, JsMsg, NatsConnection } from 'nats';
import { type Facts, openMessage } from './notices.ts';
import { parsePosition, type Position, positionText } from './position.ts';

/** An event of the mesh, proven. `position` is what `after` takes to go on behind it. */
export type MeshEvent = {
  readonly [T in EventType]: Omit<Facts, 'data'> & { readonly type: T; readonly data: Events[T]; readonly position: string };
}[EventType];

/** Events that are gone for ever: too old, or lost with their stream. */
export interface Gap {
  /** The first that is missing, and the last; null where the stream itself is another one now. */
  readonly missing: { readonly from: number; readonly to: number } | null;
  readonly because: string;
}

/** A message on the events' subjects that no instance of the fleet has signed. */
export interface Refused {
  readonly subject: string;
  readonly position: string;
  readonly because: string;
}

export interface EventsOptions {
  /** Position of the last event seen, or `beginning`; without it only what comes from now on. */
  readonly after?: string | undefined;
  readonly signal?: AbortSignal;
  /** Told of a gap, and the events go on behind it. Without it a gap is thrown as `not-found`: none is ever passed over in silence. */
  readonly onGap?: (gap: Gap) => void;
  readonly onRefused?: (refused: Refused) => void;
}

/** Between attempts while the stream cannot be reached. */
const RETRY_MS = 250;
/** Longest wait for JetStream's answer: it comes within milliseconds, or the server is away. */
const ANSWER_MS = 1_000;
/** Silence after which a consumer is taken for broken. */
const HEARTBEAT_MS = 2_000;
/** One request stands open this long; the NATS client also waits as long before it tries again to make a consumer: 30 s unless told. */
const EXPIRES_MS = 4_000;

/** All events behind a position, in the stream's order. Reconnects by itself and goes on where it was. */
export async function* followEvents(nats: NatsConnection, trust: RoleTrust, options: EventsOptions): AsyncGenerator<MeshEvent> {
  const { signal = new AbortController().signal, after } = options;
  let last = after === undefined || after === 'beginning' ? null : parsePosition(after);
  let fromEnd = after === undefined;
  while (!signal.aborted) {
    const stream = await openStream(nats);
    if (stream === null) {
      await pause(signal);
      continue;
    }
    last = startOf(stream, last, fromEnd, options);
    fromEnd = false;
    for await (const message of messagesAfter(nats, last.sequence, signal)) {
      last = advance(last, message.seq, options);
      const event = eventOf(message, positionText(last), trust, options);
      if (event !== undefined) yield event;
    }
  }
}

interface StreamFacts {
  readonly created: string;
  readonly first: number;
  readonly last: number;
}

async function openStream(nats: NatsConnection): Promise<StreamFacts | null> {
  try {
    const { created, state } = await (await nats.jetstreamManager({ checkAPI: false, timeout: ANSWER_MS })).streams.info(
      STREAMS.events,
    );
    return { created: String(created), first: Math.max(1, state.first_seq), last: state.last_seq };
  } catch (caught) {
    if (nats.isClosed()) throw new MeshError('unavailable', 'the connection to the mesh is closed', { cause: caught });
    return null;
  }
}

/** Where to go on; what is missing before that is a gap. */
function startOf(stream: StreamFacts, last: Position | null, fromEnd: boolean, { onGap }: EventsOptions): Position {
  if (fromEnd) return { stream: stream.created, sequence: stream.last };
  if (last === null) return { stream: stream.created, sequence: stream.first - 1 };
  if (last.stream !== stream.created || last.sequence > stream.last) {
    report({ missing: null, because: 'the stream of events was made anew since that position' }, onGap);
    return { stream: stream.created, sequence: stream.first - 1 };
  }
  if (stream.first <= last.sequence + 1) return last;
  report({ missing: { from: last.sequence + 1, to: stream.first - 1 }, because: 'the stream keeps them no longer' }, onGap);
  return { ...last, sequence: stream.first - 1 };
}

function advance(last: Position, sequence: number, { onGap }: EventsOptions): Position {
  if (sequence !== last.sequence + 1)
    report({ missing: { from: last.sequence + 1, to: sequence - 1 }, because: 'they were deleted from the stream' }, onGap);
  return { ...last, sequence };
}

function report(gap: Gap, onGap: EventsOptions['onGap']): void {
  if (onGap !== undefined) return onGap(gap);
  const which = gap.missing === null ? 'events' : `events ${gap.missing.from} to ${gap.missing.to}`;
  throw new MeshError('not-found', `${which} are missing: ${gap.because}`, { facts: { reason: 'EVENTS_MISSING' } });
}

/** One consumer, until it breaks or the connection is lost: then the stream must be looked at before going on. */
async function* messagesAfter(nats: NatsConnection, sequence: number, signal: AbortSignal): AsyncGenerator<JsMsg> {
  const ended = new AbortController();
  const broken = Promise.race([lost(nats, ended.signal), aborted(AbortSignal.any([signal, ended.signal]))]);
  let messages: ConsumerMessages | undefined;
  try {
    const jetstream = nats.jetstream({ timeout: ANSWER_MS });
    const consumer = await jetstream.consumers.get(STREAMS.events, {
      opt_start_seq: sequence + 1,
      filterSubjects: SUBJECTS.events,
    });
    messages = await consumer.consume({ idle_heartbeat: HEARTBEAT_MS, expires: EXPIRES_MS });
    const all = messages[Symbol.asyncIterator]();
    // The consumer's own end is not waited for: while its server is away it tries for long to make itself anew.
    for (
      let next = await Promise.race([all.next(), broken]);
      next?.done === false;
      next = await Promise.race([all.next(), broken])
    )
      yield next.value;
  } catch {
    // The consumer is gone with its server; the caller looks again.
    await pause(signal);
  } finally {
    ended.abort();
    messages?.stop();
  }
}

/** Resolves when the connection is lost. */
async function lost(nats: NatsConnection, ended: AbortSignal): Promise<undefined> {
  const states = nats.status();
  for await (const { type } of states) if (ended.aborted || type === 'disconnect' || type === 'reconnect') return;
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

function eventOf(message: JsMsg, position: string, trust: RoleTrust, { onRefused }: EventsOptions): MeshEvent | undefined {
  try {
    const facts = openMessage(message, trust);
    const type = message.subject.slice(SUBJECTS.events.length - 1);
    return { ...facts, type, position } as MeshEvent;
  } catch (caught) {
    onRefused?.({ subject: message.subject, position, because: caught instanceof Error ? caught.message : String(caught) });
    return undefined;
  }
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, RETRY_MS);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
