import type { AuditEntry, Events, EventType } from './events.ts';
import type { Mode, ServiceName } from './names.ts';

/** Every subject of the mesh. Signed objects are DSSE envelopes (JSON); the rest is plain JSON. */
export const SUBJECTS = {
  lockStatus: 'smartlite.lock.status',
  lockNonce: 'smartlite.lock.nonce',
  lockAlarm: 'smartlite.lock.alarm',
  lockAck: (service: ServiceName, instance: string) => `smartlite.lock.ack.${service}.${instance}`,
  lockAcks: 'smartlite.lock.ack.>',
  drain: (service: ServiceName, instance: string) => `smartlite.drain.${service}.${instance}`,
  drains: 'smartlite.drain.>',
  /** Asked, not told: an instance answers how loaded it is. */
  load: (service: ServiceName, instance: string) => `smartlite.load.${service}.${instance}`,
  control: 'smartlite.control',
  /** Who writes the trail of a region, and how far it has come: in the control log. */
  trailTerm: (region: string, kind: 'claim' | 'beat') => `smartlite.control.trail.${region}.${kind}`,
  trailTerms: (region: string) => `smartlite.control.trail.${region}.*`,
  ledger: 'smartlite.ledger',
  event: (type: EventType) => `smartlite.event.${type}`,
  events: 'smartlite.event.>',
  audit: (service: ServiceName | 'cli') => `smartlite.audit.${service}`,
  audits: 'smartlite.audit.>',
  auditReceipt: (producer: string) => `smartlite.receipt.${producer}`,
  trace: (service: ServiceName) => `smartlite.trace.${service}`,
  traces: 'smartlite.trace.>',
  securityAlert: 'smartlite.alert.security',
  /** Where the answers for one NATS user come in: its permissions let it listen nowhere else, and nobody else there. */
  inbox: (user: string) => `_INBOX.${user.replaceAll(/[^\w-]/g, '-')}`,
} as const;

/** Header of an event or alert: its signed notice (DSSE envelope, base64), which binds subject, id, source, time and the body's digest. */
export const NOTICE_HEADER = 'smartlite-notice';

/** Streams of JetStream. The last lock status is retained by `LOCK`; `CONTROL` and `LEDGER` are logs that pure folds read. */
export const STREAMS = {
  lock: 'smartlite-lock',
  control: 'smartlite-control',
  ledger: 'smartlite-ledger',
  audit: 'smartlite-audit',
  events: 'smartlite-events',
  traces: 'smartlite-traces',
} as const;

/** What a guard reports after it has applied a status. */
export interface LockAck {
  readonly service: ServiceName;
  readonly instance: string;
  readonly region: string;
  readonly mode: Mode;
  readonly generation: number;
  readonly epoch: number;
  readonly revision: number;
  readonly beat: number;
  readonly lockDigest: string | null;
  readonly appliedUnixMs: number;
  /** Of alarms this instance has raised and that are still open. */
  readonly openAlarms: readonly string[];
}

/** A finished span as the local trace store keeps it. */
export interface SpanRecord {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly kind: number;
  readonly service: string;
  readonly instance: string;
  readonly startUnixNano: string;
  readonly endUnixNano: string;
  readonly status: 'unset' | 'ok' | 'error';
  readonly attributes: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  readonly events: readonly { readonly name: string; readonly unixNano: string }[];
}

export interface SecurityAlert {
  readonly atUnixMs: number;
  readonly severity: 'warning' | 'critical';
  readonly title: string;
  readonly reasons: readonly string[];
  readonly mode: Mode;
}

/** What travels on a subject that carries plain JSON. */
export interface Payloads {
  audit: AuditEntry;
  ack: LockAck;
  trace: readonly SpanRecord[];
  alert: SecurityAlert;
  event: Events[EventType];
}
