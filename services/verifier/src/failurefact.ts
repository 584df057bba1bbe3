import { type ControlState, EFFECTS, type FailureFact, FAILURES_NAMED_MAX, TEXT_MAX } from '@smartlite/trust';
import type { ReportedFinding } from './report.ts';

/** What is known of failures already, in the log and on its way there. */
export interface KnownFailures {
  readonly control: ControlState;
  readonly pending: readonly FailureFact[];
}

/**
 * The failures for the findings of the own store: one for each artifact and kind of trouble, and no more than a status names, the worst
 * first; the last one then stands for all others. Each is an entry of the log that is waited for: a folder with a thousand files too
 * many must not be a thousand of them.
 */
export function failuresOf(
  findings: readonly ReportedFinding[],
  store: string,
  known: KnownFailures,
  newId: () => string,
): readonly FailureFact[] {
  return bounded(distinct(findings)).map((finding) => failureOf(finding, store, known, newId));
}

/** The first of each artifact, code and effect; it says how many more there are. */
function distinct(findings: readonly ReportedFinding[]): readonly ReportedFinding[] {
  const alike = new Map<string, { readonly first: ReportedFinding; count: number }>();
  for (const first of findings) {
    const key = JSON.stringify([first.artifact, first.code, first.effect]);
    const known = alike.get(key);
    if (known === undefined) alike.set(key, { first, count: 1 });
    else known.count += 1;
  }
  return [...alike.values()].map(({ first, count }) => (count === 1 ? first : andMore(first, count - 1)));
}

function bounded(findings: readonly ReportedFinding[]): readonly ReportedFinding[] {
  const worstFirst = findings.toSorted((a, b) => EFFECTS.indexOf(b.effect) - EFFECTS.indexOf(a.effect));
  if (worstFirst.length <= FAILURES_NAMED_MAX) return worstFirst;
  const [first, ...rest] = worstFirst.slice(FAILURES_NAMED_MAX - 1) as [ReportedFinding, ...ReportedFinding[]];
  const others = andMore({ ...first, artifact: '', digest: null }, rest.length);
  return [...worstFirst.slice(0, FAILURES_NAMED_MAX - 1), others];
}

function andMore(finding: ReportedFinding, count: number): ReportedFinding {
  const more = `, and ${count} more findings`;
  return { ...finding, message: `${finding.message.slice(0, TEXT_MAX - more.length)}${more}` };
}

/** A failure for a finding of the own store: the one that is open for it already, or a new one. */
function failureOf(
  { code, artifact, digest, message, effect }: ReportedFinding,
  store: string,
  known: KnownFailures,
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
      message: message.slice(0, TEXT_MAX),
    }
  );
}
