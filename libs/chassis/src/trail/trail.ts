import { trace } from '@opentelemetry/api';
import { type AuditEntry, type AuditKind, type ServiceName, SUBJECTS } from '@smartlite/contracts';
import { sha256Hex } from '@smartlite/trust';
import type { Clock, Ids } from '../clock.ts';
import type { Log, Trail } from '../platform.ts';
import type { Leftover } from './leftover.ts';
import type { Spool } from './spool.ts';

/** Entries under way to JetStream at once. */
const WINDOW = 64;
/** Chance in each entry: a leaf hash that outlives its entry must not confirm a guess of what it said. */
const SALT_BYTES = 16;
/** Between tries while the bus is away. */
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 5_000;

export interface TrailParts {
  readonly service: ServiceName;
  readonly instance: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly spool: Spool;
  /** Spools of processes that are gone. */
  readonly leftovers: readonly Leftover[];
  /** Stores an entry; resolves when it is stored. Repeats with one id are one entry. */
  readonly store: (subject: string, id: string, data: Uint8Array) => Promise<void>;
}

export interface RunningTrail extends Trail {
  /** Tries to deliver everything, until the signal. What is left stays in the spool. */
  stop(signal: AbortSignal): Promise<void>;
}

/** Writes entries to the spool at once and delivers them in the background, in order of their counter as far as the bus allows. */
export function startTrail(parts: TrailParts): RunningTrail {
  const { service, instance, clock, ids, spool, log } = parts;
  const boot = Buffer.from(ids.bytes(4)).toString('hex');
  const waiting: AuditEntry[] = [];
  let counter = 0;
  let previous: string | null = null;
  let delivering: Promise<void> | undefined;

  const deliver = async (): Promise<void> => {
    while (waiting.length > 0) {
      await spool.flushed();
      const batch = waiting.slice(0, WINDOW);
      await untilStored(batch, parts);
      waiting.splice(0, batch.length);
    }
    spool.clear();
    delivering = undefined;
  };
  const wake = () => {
    delivering ??= deliver().catch((error: unknown) => {
      delivering = undefined;
      log.error('audit entries cannot be delivered', { error });
    });
  };
  void deliverLeftovers(parts);

  return {
    record(kind: AuditKind, facts, { traceId, actor } = {}) {
      const id = `${instance}.${boot}.${counter + 1}`;
      const entry: AuditEntry = {
        id,
        producer: instance,
        service,
        boot,
        counter: counter + 1,
        atUnixMs: clock.nowMs(),
        kind,
        actor: actor || service,
        traceId: traceId ?? trace.getActiveSpan()?.spanContext().traceId ?? null,
        salt: Buffer.from(ids.bytes(SALT_BYTES)).toString('hex'),
        previous,
        facts,
      };
      const line = JSON.stringify(entry);
      spool.append(line);
      previous = sha256Hex(Buffer.from(line));
      counter += 1;
      waiting.push(entry);
      wake();
      return id;
    },
    async stop(signal) {
      if (delivering && !signal.aborted) {
        await Promise.race([
          delivering,
          new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
        ]);
      }
      if (waiting.length > 0) log.warn('audit entries stay in the spool for the next start', { entries: waiting.length });
      spool.close();
    },
  };
}

async function untilStored(batch: readonly AuditEntry[], { store, service, log }: TrailParts): Promise<void> {
  let left = batch;
  for (let waitMs = RETRY_MS_MIN; ; waitMs = Math.min(waitMs * 2, RETRY_MS_MAX)) {
    const outcomes = await Promise.allSettled(left.map((entry) => store(SUBJECTS.audit(service), entry.id, encode(entry))));
    left = left.filter((_entry, index) => outcomes[index]?.status === 'rejected');
    if (left.length === 0) return;
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    log.warn('audit entries wait for the bus', { entries: left.length, error: failed?.reason });
    // The process may end meanwhile; the spool keeps them.
    await new Promise((resolve) => setTimeout(resolve, waitMs).unref());
  }
}

async function deliverLeftovers(parts: TrailParts): Promise<void> {
  for (const leftover of parts.leftovers) {
    const { entries } = leftover;
    for (let first = 0; first < entries.length; first += WINDOW) await untilStored(entries.slice(first, first + WINDOW), parts);
    leftover.forget();
    if (entries.length > 0) parts.log.info('delivered audit entries of an instance that is gone', { entries: entries.length });
  }
}

function encode(entry: AuditEntry): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(entry));
}
