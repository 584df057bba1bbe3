import { createHash } from 'node:crypto';
import { AUDIT_KINDS, type AuditEntry, SERVICES } from '@smartlite/contracts';
import { shown } from '@smartlite/trust';
import { z } from 'zod';

/** Entries hold digests and numbers; one that is longer holds something else. A bundle could carry 64 KB. */
export const ENTRY_MAX_BYTES = 32 * 1024;

/** The latest time that a date can name (ECMA-262, 21.4.1.1): what is later cannot be shown to anybody. */
const TIME_MS_MAX = 8.64e15;
/** Who speaks in the log's own entries: nobody else does under that name. */
export const LOG_PRODUCER = 'audit-log';
/** Why something is no entry, as it stands in an entry of the log's own: what an attacker wrote makes that no longer than it may be. */
const BECAUSE_CHARS_MAX = 300;

const name = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/);
const hex = z.string().regex(/^[0-9a-f]+$/);
const fact = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]);
const schema = z.looseObject({
  id: z.string(),
  producer: name,
  service: z.enum([...SERVICES, 'cli']),
  boot: name,
  counter: z.int().positive(),
  atUnixMs: z.int().nonnegative().max(TIME_MS_MAX),
  kind: z.enum(AUDIT_KINDS),
  actor: z.string().max(256),
  traceId: z.string().max(64).nullable(),
  salt: hex.length(32),
  previous: hex.length(64).nullish(),
  before: z.object({ boot: name, counter: z.int().nonnegative() }).optional(),
  facts: z.record(z.string(), fact),
});

/** Reads an entry that came by a service's subject; a text, of bounded length, says why it is none. */
export function parseDelivery(bytes: Uint8Array, service: string): AuditEntry | string {
  const entry = parseEntry(bytes, service);
  if (typeof entry === 'string') return shown(entry, BECAUSE_CHARS_MAX);
  return entry.producer === LOG_PRODUCER ? `${LOG_PRODUCER} is the log's own name` : entry;
}

/** Reads an entry of the log, or one on its way there. */
export function parseEntry(bytes: Uint8Array, service: string): AuditEntry | string {
  if (bytes.byteLength > ENTRY_MAX_BYTES) return `it has ${bytes.byteLength} bytes; ${ENTRY_MAX_BYTES} at most`;
  const parsed = schema.safeParse(jsonOf(bytes));
  if (!parsed.success) return `${parsed.error.issues[0]?.path.join('/') ?? ''}: ${parsed.error.issues[0]?.message ?? 'no JSON'}`;
  const entry = parsed.data;
  if (entry.service !== service) return `it says service ${entry.service}, and came from ${service}`;
  if (entry.id !== `${entry.producer}.${entry.boot}.${entry.counter}`) return 'its id is not producer.boot.counter';
  return entry;
}

/** SHA-256 of an entry's bytes, hex: how producers chain their entries. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
