import type { AppliedStatus, VerifyResponse } from '@smartlite/contracts';
import { controlMode, type ControlState } from '@smartlite/trust';
import type { Applied } from './acks.ts';
import { passes, type Report } from './report.ts';

/** An instance's ack as the contract says it. A delay that is not known is -1. */
export function appliedMessage({ ack, delayMs }: Applied): AppliedStatus {
  const { service, instance, region, mode, epoch, revision } = ack;
  return { service, instance, region, mode, epoch: BigInt(epoch), revision: BigInt(revision), delayMs: delayMs ?? -1 };
}

/** A full verification as the contract says it; `mode` is the fleet's at this moment. */
export function reportMessage(report: Report, control: ControlState): VerifyResponse {
  return {
    ok: passes(report),
    mode: controlMode(control),
    lockSequence: BigInt(report.lockSequence ?? 0),
    findings: report.findings.map(({ code, artifact, message }) => ({ code, artifact, message })),
    artifacts: report.artifacts.length,
    tookMs: report.tookMs,
  };
}
