import type { AuditEntry, SpanRecord } from '@smartlite/contracts';
import { type LockStatus, orderText } from '@smartlite/trust';

/** What a run has left behind. */
export interface Evidence {
  readonly entries: readonly AuditEntry[];
  readonly spans: readonly SpanRecord[];
  /** Every authentic status that was broadcast. */
  readonly statuses: readonly LockStatus[];
  /** Lock digest -> artifact digests (`sha256:...`) and their ids. */
  readonly locks: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

export interface Replay {
  /** Uses of a model that were judged. */
  readonly uses: number;
  readonly violations: readonly string[];
}

const STAGES = ['asr', 'llm', 'tts'] as const;
/** Methods that let a model's output out. */
const EMITTING = /\/(Transcribe|StreamTranscribe|Generate|Synthesize)$/;
/** Entries and spans carry their process' wall clock in whole milliseconds; a call that ends as the gate shuts is told apart by no less. */
const CLOCK_MS = 5;

/**
 * Replays a run from its audit entries and traces: every answer came from bytes that a lock lists, under a status that permitted them at
 * that order, and no instance let a model's answer end well while its own gate was shut. It shares no code with the guard.
 */
export function replayVerifiedBytes({ entries, spans, statuses, locks }: Evidence): Replay {
  const byOrder = new Map(statuses.map((status) => [orderText(status), status]));
  const uses = entries.flatMap((entry) => usesOf(entry));
  const violations = [
    ...uses.flatMap((use) => judgeUse(use, byOrder, locks)),
    ...spans.filter(letsOut).flatMap((span) => judgeSpan(span, entries)),
  ];
  return { uses: uses.length, violations };
}

interface Use {
  readonly what: string;
  readonly artifacts: readonly string[];
  readonly lock: string;
  readonly order: string;
}

/** The models that an answered call has used, by its own entry. */
function usesOf({ id, kind, facts }: AuditEntry): Use[] {
  if (kind !== 'turn.answered' && !(kind === 'call.served' && facts['code'] === 'ok')) return [];
  return STAGES.filter((stage) => facts[`${stage}_model`] !== undefined).map((stage) => ({
    what: `${id} ${stage} ${String(facts[`${stage}_model`])}`,
    artifacts: facts[`${stage}_artifacts`] as readonly string[],
    lock: String(facts[`${stage}_lock`]),
    order: String(facts[`${stage}_order`]),
  }));
}

function judgeUse(
  { what, artifacts, lock, order }: Use,
  byOrder: ReadonlyMap<string, LockStatus>,
  locks: Evidence['locks'],
): string[] {
  const listed = locks.get(lock);
  const status = byOrder.get(order);
  if (listed === undefined) return [`${what}: under lock ${lock}, which nobody has signed`];
  if (status === undefined) return [`${what}: under status ${order}, which nobody has broadcast`];
  if (status.mode !== 'normal' || status.lockDigest !== lock) return [`${what}: status ${order} did not permit it`];
  if (artifacts.length === 0) return [`${what}: names no artifact`];
  return artifacts.flatMap((digest) => {
    const id = listed.get(digest);
    if (id === undefined) return [`${what}: ${digest} is in no lock`];
    return status.refusedArtifacts.includes(id) ? [`${what}: ${id} was refused by ${order}`] : [];
  });
}

function letsOut({ name, kind, status }: SpanRecord): boolean {
  const SERVER = 1;
  return kind === SERVER && status !== 'error' && EMITTING.test(name);
}

/** Whether the instance's gate was shut, by its own entries, when the call ended well. */
function judgeSpan({ name, instance, traceId, endUnixNano }: SpanRecord, entries: readonly AuditEntry[]): string[] {
  const endMs = Number(BigInt(endUnixNano) / 1_000_000n);
  const changes = entries
    .filter(({ kind, producer, atUnixMs }) => kind === 'mode.changed' && producer === instance && atUnixMs <= endMs - CLOCK_MS)
    .toSorted((a, b) => a.atUnixMs - b.atUnixMs || a.counter - b.counter);
  const mode = changes.at(-1)?.facts['to'] ?? 'starting';
  return mode === 'normal' ? [] : [`${traceId} ${name} ended well at ${instance} in mode ${String(mode)}`];
}
