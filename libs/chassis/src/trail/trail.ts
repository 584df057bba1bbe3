import { trace } from '@opentelemetry/api';
import { type AuditEntry, type AuditKind, MeshError, type ServiceName, SUBJECTS } from '@smartlite/contracts';
import { type AuditReceipt, sha256Hex, signTrailEntry } from '@smartlite/trust';
import type { Clock, Ids } from '../clock.ts';
import type { Log, Trail } from '../platform.ts';
import type { BootSigner } from './bootsigner.ts';
import { Courier, type Parcel } from './courier.ts';
import type { Leftover } from './leftover.ts';
import type { Contradiction, LogMemory } from './logmemory.ts';
import type { Spool } from './spool.ts';

/** Chance in each entry: a leaf hash that outlives its entry must not confirm a guess of what it said. */
const SALT_BYTES = 16;
/** A spool that is larger than this, and mostly receipted, is written anew without what is receipted. */
const COMPACT_BYTES = 1024 ** 2;
/** Names one life of this process among all of its instance's. */
const BOOT_BYTES = 4;
/** When a refused caller should come again. */
const RETRY_AFTER_MS = 5_000;

export interface TrailParts {
  readonly service: ServiceName;
  readonly instance: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly spool: Spool;
  /** Makes the key of this life of the process. */
  readonly bootSigner: (boot: string) => BootSigner;
  /** Spools of processes that are gone. */
  readonly leftovers: readonly Leftover[];
  /** How far this instance's life before this one came, as far as is known. */
  readonly before?: AuditEntry['before'];
  /** How long entries may lack a receipt before serving is refused; 0: for ever (the trail is not required). */
  readonly graceMs: number;
  readonly store: (subject: string, messageId: string, data: Uint8Array) => Promise<void>;
  readonly listen: (producer: string, onReceipt: (bytes: Uint8Array) => void) => () => void;
  readonly open: (bytes: Uint8Array) => AuditReceipt;
  readonly memory: LogMemory;
  /** Told once of each way in which the log contradicts what it has acknowledged. */
  readonly onContradiction?: (contradiction: Contradiction) => void;
}

export interface RunningTrail extends Trail {
  /** Why nothing that must be audited may be served now, if so: entries wait for their receipts for too long. */
  refusal(): MeshError | undefined;
  /** Tries to have the bus store everything, until the signal. What has no receipt stays in the spool for the next start. */
  stop(signal: AbortSignal): Promise<void>;
}

/** Writes entries to the spool at once and delivers them in the background; an entry leaves the spool on the audit service's receipt alone. */
export function startTrail(parts: TrailParts): RunningTrail {
  const { service, instance, clock, ids, spool, log, graceMs } = parts;
  const boot = Buffer.from(ids.bytes(BOOT_BYTES)).toString('hex');
  const signer = parts.bootSigner(boot);
  const contradicted = new Set<string>();
  const courier = new Courier({
    ...parts,
    flushed: () => spool.flushed(),
    onContradiction: (contradiction) => complain(contradiction),
  });
  const own = new Map<string, string>();
  const endings: (() => void)[] = [];
  const idAt = (counter: number) => `${instance}.${boot}.${counter}`;
  let counter = 0;
  let previous: string | null = null;
  let ownBytes = 0;

  const receipted = (id: string) => {
    ownBytes -= own.get(id)?.length ?? 0;
    own.delete(id);
    if (own.size === 0) spool.clear({ boot, counter });
    else if (spool.bytes > COMPACT_BYTES && ownBytes < spool.bytes / 2) spool.replace([...own.values()]);
  };
  const append = (
    kind: AuditKind,
    facts: AuditEntry['facts'],
    { traceId, actor, atUnixMs = clock.nowMs() }: { traceId?: string; actor?: string; atUnixMs?: number } = {},
  ): string => {
    const id = idAt(counter + 1);
    const entry: AuditEntry = {
      id,
      producer: instance,
      service,
      boot,
      counter: counter + 1,
      atUnixMs,
      kind,
      actor: actor || service,
      traceId: traceId ?? trace.getActiveSpan()?.spanContext().traceId ?? null,
      salt: Buffer.from(ids.bytes(SALT_BYTES)).toString('hex'),
      previous,
      ...(counter === 0 && parts.before && { before: parts.before }),
      facts,
    };
    const line = signTrailEntry(JSON.stringify(entry), signer.privateKey);
    spool.append(line);
    counter += 1;
    const parcel = { ...parcelOf(entry, line), madeAfter: parts.memory.seen };
    previous = parcel.digest;
    own.set(id, line);
    ownBytes += line.length;
    courier.send(parcel, () => receipted(id));
    return id;
  };
  /** The entry about it is contradicted as well: once is enough. */
  const complain = (contradiction: Contradiction) => {
    const { code, origin, because } = contradiction;
    if (contradicted.has(code)) return;
    contradicted.add(code);
    log.error('the audit log contradicts what it has acknowledged', { code, origin, because });
    parts.onContradiction?.(contradiction);
    append('log.contradicted', { code, log: origin, because });
  };
  deliverLeftovers(parts, courier);
  // Whoever reads the log can judge this boot's signatures by its first entry.
  append('key.certified', { certificate: Buffer.from(signer.certificate).toString('utf8') }, { actor: instance });

  return {
    record: (kind, facts, options) => append(kind, facts, options),
    attest(kind, facts, statement, options) {
      const id = idAt(counter + 1);
      const certificate = own.has(idAt(1)) ? signer.certificate : undefined;
      const atUnixMs = clock.nowMs();
      const { text, digest } = signer.receipt({ ...statement, entry: id, traceId: options.traceId, atUnixMs }, certificate);
      append(kind, { ...facts, receipt: digest }, { ...options, atUnixMs });
      return { id, receipt: text };
    },
    refusal() {
      const waitedMs = courier.waitedMs();
      if (graceMs === 0 || waitedMs <= graceMs) return undefined;
      const message = `no receipt of the audit service for ${Math.round(waitedMs / 1_000)} s: is it up?`;
      return new MeshError('audit-unavailable', message, { retryAfterMs: RETRY_AFTER_MS });
    },
    atEnd: (work) => void endings.push(work),
    async stop(signal) {
      for (const work of endings) work();
      const over = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      if (!signal.aborted) await Promise.race([courier.stored(), over]);
      courier.stop();
      parts.memory.save();
      if (own.size > 0) log.info('audit entries without a receipt stay in the spool for the next start', { entries: own.size });
      spool.close();
    },
  };
}

function deliverLeftovers({ leftovers, log }: TrailParts, courier: Courier): void {
  for (const leftover of leftovers) {
    if (leftover.entries.some(({ signature }) => signature === undefined)) {
      // No log takes them; they stay on the disk for people to look at.
      log.error('a spool of an older version holds entries that nobody has signed', { instance: leftover.instance });
      continue;
    }
    const left = new Set(leftover.lines);
    if (left.size === 0) leftover.forget();
    leftover.entries.forEach((entry, at) => {
      const line = leftover.lines[at] as string;
      courier.send(parcelOf(entry, line), () => {
        left.delete(line);
        if (left.size > 0) return;
        leftover.forget();
        log.info('delivered audit entries of an instance that is gone', { entries: leftover.entries.length });
      });
    });
  }
}

function parcelOf({ id, producer, service }: AuditEntry, line: string): Parcel {
  const data = Buffer.from(line);
  return { id, producer, subject: SUBJECTS.audit(service), data, digest: sha256Hex(data) };
}
