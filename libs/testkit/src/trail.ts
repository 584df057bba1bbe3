import type { Trail } from '@smartlite/chassis';
import type { AuditKind } from '@smartlite/contracts';

export interface RecordedEntry {
  readonly id: string;
  readonly kind: AuditKind;
  readonly facts: Parameters<Trail['record']>[1];
  readonly traceId: string | null;
  readonly actor: string | null;
}

export interface MemoryTrail extends Trail {
  readonly entries: readonly RecordedEntry[];
}

/** Keeps audit entries for the test. */
export function memoryTrail(): MemoryTrail {
  const entries: RecordedEntry[] = [];
  return {
    entries,
    record(kind, facts, { traceId = null, actor = null } = {}) {
      const id = `test.0.${entries.length + 1}`;
      entries.push({ id, kind, facts, traceId, actor });
      return id;
    },
  };
}
