import type { ControlState, FailureFact } from '@smartlite/trust';
import type { ReportedFinding } from './report.ts';

/** A failure for a finding of the own store: the one that is open for it already, or a new one. */
export function failureOf(
  { code, artifact, digest, message, effect }: ReportedFinding,
  store: string,
  known: { readonly control: ControlState; readonly pending: readonly FailureFact[] },
  newId: () => string,
): FailureFact {
  const same = (fact: FailureFact) =>
    fact.store === store && fact.artifact === artifact && fact.code === code && fact.effect === effect;
  const logged = [...known.control.failures.values()].find(
    (record) => !record.closed && record.author === null && same(record.fact),
  )?.fact;
  return (
    logged ??
    known.pending.find(same) ?? {
      id: newId(),
      effect,
      operator: false,
      store,
      artifact,
      digest,
      code,
      message: message.slice(0, 1_000),
    }
  );
}
