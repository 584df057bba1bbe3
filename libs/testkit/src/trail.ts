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
  const record: Trail['record'] = (kind, facts, { traceId, actor } = {}) => {
    const id = `test.0.${entries.length + 1}`;
    entries.push({ id, kind, facts, traceId: traceId ?? null, actor: actor ?? null });
    return id;
  };
  return {
    entries,
    record,
    /** A receipt that nobody has signed: what it says, as JSON. */
    attest(kind, facts, statement, options) {
      const receipt = JSON.stringify({ ...statement, traceId: options.traceId });
      return { id: record(kind, { ...facts, receipt }, options), receipt };
    },
  };
}
