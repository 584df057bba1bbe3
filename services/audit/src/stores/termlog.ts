import { type Bus, controlStreamConfig, type Log, readStream } from '@smartlite/chassis';
import { STREAMS, SUBJECTS } from '@smartlite/contracts';
import { LogFault, type NoteKey, openCheckpoint, type SignedCheckpoint } from '@smartlite/tlog';
import { openTrailTerm, type RoleIdentity, type RoleTrust, signTrailTerm } from '@smartlite/trust';
import type { JsMsg } from 'nats';
import type { TermLog } from '../engine.ts';
import type { PlacedTerm } from '../tenure.ts';

/** The control log answers within milliseconds; longer, and the word may or may not be in it. */
const APPEND_TIMEOUT_MS = 2_000;
const FOLLOW_RETRY_MS = 250;
const NANOS_PER_MS = 1_000_000;

export interface TermLogParts {
  readonly bus: Bus;
  readonly journal: Log;
  readonly replicas: number;
  readonly region: string;
  readonly trust: RoleTrust;
  readonly key: NoteKey;
  readonly identity: () => RoleIdentity;
}

/** The words of audit services in the control log. Whoever comes first makes its stream. */
export function termLog(parts: TermLogParts): TermLog {
  const { bus, region, trust, key, identity } = parts;
  return {
    async append(said) {
      const term = { fleet: trust.fleet, generation: trust.generation, origin: key.name, ...said };
      const subject = SUBJECTS.trailTerm(region, said.kind === 'claim' ? 'claim' : 'beat');
      await bus.jetstream.publish(subject, signTrailTerm(term, identity()), { timeout: APPEND_TIMEOUT_MS });
    },
    async follow(on, signal) {
      const place = { next: 1 };
      while (!signal.aborted) {
        await round(parts, place, on, signal).catch((error: unknown) =>
          parts.journal.warn('the control log cannot be followed', { error }),
        );
        if (!signal.aborted) await pause(signal);
      }
    },
  };
}

type On = Parameters<TermLog['follow']>[0];

async function round(parts: TermLogParts, place: { next: number }, on: On, signal: AbortSignal): Promise<void> {
  const { bus, replicas, region } = parts;
  const manager = await bus.manager();
  const { state } = await manager.streams.info(STREAMS.control).catch(() => manager.streams.add(controlStreamConfig(replicas)));
  if (state.last_seq < place.next - 1) {
    place.next = 1;
    on.lost();
  }
  let left = 0;
  const onOpen = (pending: number) => {
    left = pending;
    if (left === 0) on.caughtUp();
  };
  const subject = SUBJECTS.trailTerms(region);
  for await (const message of readStream(bus, { stream: STREAMS.control, from: place.next, subject, signal, onOpen })) {
    place.next = message.seq + 1;
    const placed = placedTerm(parts, message);
    if (placed) on.term(placed);
    if ((left -= 1) === 0) on.caughtUp();
  }
}

/** Bytes of anybody who may write there; undefined for what no checkpoint key of this fleet has said of this log. */
function placedTerm({ trust, key, journal }: TermLogParts, message: JsMsg): PlacedTerm | undefined {
  const atMs = Math.floor(message.info.timestampNanos / NANOS_PER_MS);
  try {
    const term = openTrailTerm(message.data, trust, atMs);
    if (term.origin !== key.name) return undefined;
    return { position: message.seq, atMs, term, checkpoint: checkpointIn(term.checkpoint, key) };
  } catch (error) {
    journal.warn('a word in the control log that cannot be proven is ignored', { error });
    return undefined;
  }
}

function checkpointIn(note: string | null, key: NoteKey): SignedCheckpoint | undefined {
  try {
    return note === null ? undefined : openCheckpoint(note, key, 'the control log');
  } catch (caught) {
    if (caught instanceof LogFault) return undefined;
    throw caught;
  }
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, FOLLOW_RETRY_MS);
    signal.addEventListener('abort', done, { once: true });
  });
}
