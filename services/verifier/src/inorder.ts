import type { AdoptedLock } from '@smartlite/trust';
import type { Report, ReportedFinding } from './report.ts';

/**
 * The report of a verification, held against the lock that the fleet has served under: the control log remembers its sequence where a
 * host's own mark was wiped, so that nobody brings an older lock back by deleting a file. Sequences of one log are of one generation.
 */
export function inOrder(report: Report, adopted: AdoptedLock | null): Report {
  const { lockDigest, lockSequence } = report;
  if (adopted === null || lockSequence === null || lockSequence > adopted.sequence || lockDigest === adopted.digest)
    return report;
  return { ...report, findings: [...report.findings, rolledBack(lockSequence, adopted.sequence)] };
}

function rolledBack(sequence: number, served: number): ReportedFinding {
  const message = `lock ${sequence} is not above lock ${served}, under which this fleet has served: restore that one, or sign with a higher sequence`;
  return { code: 'SEQUENCE_ROLLED_BACK', artifact: '', digest: null, message, effect: 'halted' };
}
