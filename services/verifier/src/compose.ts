import {
  controlMode,
  type ControlState,
  type FailureFact,
  FAILURES_NAMED_MAX,
  isOpen,
  type LockStatus,
  needsOperator,
  RESOLVED_NAMED_MAX,
  TEXT_MAX,
  worst,
} from '@smartlite/trust';
import type { Report } from './report.ts';

/** The part of a status that is a decision; a renewal changes none of it. */
export type Decision = Pick<
  LockStatus,
  | 'mode'
  | 'lockDigest'
  | 'lockSequence'
  | 'artifacts'
  | 'substitutions'
  | 'refusedArtifacts'
  | 'reasons'
  | 'failures'
  | 'resolved'
  | 'quarantined'
  | 'releases'
>;

/** All that a decision is made of. While none of it is another object, the decision is the same: most entries of the log are beats. */
export function grounds(control: ControlState, pendingIds: readonly string[], report: Report | null): readonly unknown[] {
  return [control.failures, control.quarantined, control.releases, control.releasedAt, control.adopted, report, ...pendingIds];
}

/** Bytes that are whole again do not end such a failure, and whoever has mended them must not wonder. */
const WAITS = 'waits for an operator (smartlite safe-mode release): ';

/** What the fleet is to be told: the fold of the control log, and bad news that is on its way there. */
export function compose(control: ControlState, pending: readonly FailureFact[], report: Report | null): Decision {
  const failures = openFailures(control, pending);
  const mode = strictest(controlMode(control), worst(failures));
  const lock = control.adopted ?? { digest: report?.lockDigest ?? null, sequence: report?.lockSequence ?? null };
  const refused = refusedArtifacts(failures, report);
  return {
    mode,
    lockDigest: lock.digest,
    lockSequence: lock.sequence,
    artifacts: (report?.artifacts ?? []).map(({ id, state }) => ({
      id,
      state: refused.has(id) && state === 'verified' ? 'refused' : state,
    })),
    substitutions: report?.substitutions ?? {},
    refusedArtifacts: [...refused].toSorted(),
    reasons: reasons(mode, failures),
    failures: failures.slice(0, FAILURES_NAMED_MAX),
    resolved: resolved(control),
    quarantined: [...control.quarantined.keys()],
    releases: control.releases.map(({ envelope }) => Buffer.from(envelope).toString('base64')),
  };
}

/** Open failures that forbid serving, the log's first. */
function openFailures(control: ControlState, pending: readonly FailureFact[]): FailureFact[] {
  const logged = [...control.failures.values()].filter(isOpen).map(({ fact }) => fact);
  return [...logged, ...pending.filter(({ id }) => !control.failures.has(id))].filter(({ effect }) => effect !== 'tolerated');
}

function strictest(mode: LockStatus['mode'], effect: 'tolerated' | 'safe' | 'halted'): LockStatus['mode'] {
  if (effect === 'halted' || mode === 'halted') return 'halted';
  return effect === 'safe' ? 'safe' : mode;
}

function refusedArtifacts(failures: readonly FailureFact[], report: Report | null): Set<string> {
  return new Set([
    ...(report?.refusedArtifacts ?? []),
    ...failures.map(({ artifact }) => artifact).filter((artifact) => artifact !== ''),
  ]);
}

function reasons(mode: LockStatus['mode'], failures: readonly FailureFact[]): string[] {
  const named = failures
    .slice(0, FAILURES_NAMED_MAX)
    .map(
      (fact) =>
        `${needsOperator(fact) ? WAITS : ''}${fact.code}${fact.artifact === '' ? '' : ` ${fact.artifact}`}: ${fact.message}`,
    );
  if (named.length > 0 || mode === 'normal') return named.map((reason) => reason.slice(0, TEXT_MAX));
  return ['a full verification since the last failure, and its time of rest, are due'];
}

/** Closed failures, those that somebody asked for most recently last. */
function resolved(control: ControlState): string[] {
  const closed = [...control.failures.values()].filter((record) => !isOpen(record));
  return closed
    .toSorted((a, b) => a.mentioned - b.mentioned)
    .slice(-RESOLVED_NAMED_MAX)
    .map(({ fact }) => fact.id);
}
