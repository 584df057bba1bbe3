import type { Mode, ServiceName } from './names.ts';

/**
 * Events of the mesh: CloudEvents 1.0 in NATS binary mode (`ce-` headers, JSON data), published on
 * `smartlite.event.<domain>.<type>`. The key is `<domain>.<type>`.
 */
export interface Events {
  'verification.passed': { lockSequence: number; artifacts: number; tookMs: number };
  'verification.failed': { lockSequence: number | null; findings: readonly FindingFact[]; mode: Mode };
  'mode.changed': { from: Mode; to: Mode; epoch: number; revision: number; reasons: readonly string[] };
  'artifact.quarantined': { artifact: string; code: string; instance: string };
  'key.rotated': { keyId: string; validUntil: string };
  'key.expiring': { keyId: string; validUntil: string; daysLeft: number };
  'route.changed': { service: ServiceName; tier: string; from: string; to: string; because: string };
  'breaker.changed': {
    service: ServiceName;
    instance: string;
    model: string;
    state: 'closed' | 'half-open' | 'open';
    because: string;
  };
  'model.loaded': { service: ServiceName; instance: string; model: string; artifactDigests: readonly string[] };
  'model.unloaded': { service: ServiceName; instance: string; model: string; because: string };
  'budget.exhausted': { limit: string; subject: string; refillsUnixMs: number };
  'budget.overrun': { reservation: string; unit: string; amount: number };
  'instance.lagging': { service: ServiceName; instance: string; epoch: number; revision: number };
}

export type EventType = keyof Events;

export interface FindingFact {
  readonly code: string;
  readonly artifact: string | null;
  readonly message: string;
}

/** One line of the audit trail as its producer writes it. Digests and lengths, never users' text or audio. */
export interface AuditEntry {
  /** `<producer>.<boot>.<counter>`: unique over all retention. */
  readonly id: string;
  readonly producer: string;
  readonly service: ServiceName | 'cli';
  readonly boot: string;
  readonly counter: number;
  readonly atUnixMs: number;
  /** For example `turn.answered`, `model.loaded`, `verification.passed`, `call.refused`, `budget.limit-set`. */
  readonly kind: AuditKind;
  /** Who asked: a user, an operator, or the service itself. */
  readonly actor: string;
  readonly traceId: string | null;
  /** 16 random bytes, hex: a leaf hash that outlives its entry must not confirm a guess of what it said. */
  readonly salt: string;
  /** SHA-256 of the producer's entry before this one in the same boot, hex; null for the first, absent where the producer keeps none. */
  readonly previous?: string | null | undefined;
  /** In a boot's first entry: how far the producer had come in the boot before, as far as it knows. */
  readonly before?: { readonly boot: string; readonly counter: number } | undefined;
  readonly facts: Readonly<Record<string, string | number | boolean | null | readonly string[]>>;
  /** By the key of the producer's boot, over the entry without it: base64. Absent in what the audit service itself has to say. */
  readonly signature?: string | undefined;
}

export const AUDIT_KINDS = [
  'service.started',
  'service.stopped',
  'verification.passed',
  'verification.failed',
  'signature.made',
  'signature.checked',
  'key.changed',
  // A boot's first entry: its key, certified by the instance.
  'key.certified',
  'mode.changed',
  'mode.ordered',
  'model.loaded',
  'model.unloaded',
  'artifact.quarantined',
  'alarm.raised',
  'turn.answered',
  'turn.failed',
  'call.refused',
  'call.served',
  'route.changed',
  'budget.reserved',
  'budget.settled',
  'budget.limit-set',
  'client.changed',
  'operator.command',
  // What a producer has to say of the log: its receipts contradict each other.
  'log.contradicted',
  // What the audit service itself has to say about the trail.
  'trail.gap',
  'trail.late',
  'trail.equivocation',
  'trail.refused',
] as const;
export type AuditKind = (typeof AUDIT_KINDS)[number];
