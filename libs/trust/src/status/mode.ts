import type { Mode } from '@smartlite/contracts';
import type { GuardState } from './guard.ts';
import { leaderBoundMs } from './lease.ts';
import type { Moment } from './moment.ts';
import { orderText } from './order.ts';
import { permits } from './status.ts';

/** The mode in force at one instance at one moment. */
export interface ModeView {
  readonly mode: Mode;
  /** This instance's own mode, not the fleet's: not even diagnostic calls run in it. */
  readonly local: boolean;
  readonly reasons: readonly string[];
}

const STARTING: ModeView = { mode: 'starting', local: true, reasons: ['no lock status yet'] };
const CONFLICT: ModeView = {
  mode: 'safe',
  local: true,
  reasons: ['EQUIVOCATION: a leader has signed two statuses that contradict each other'],
};
const OWN_ALARM: ModeView = {
  mode: 'safe',
  local: true,
  reasons: ['OWN_ALARM: this instance has raised an alarm that is not resolved yet'],
};
const QUARANTINED: ModeView = {
  mode: 'safe',
  local: true,
  reasons: ["QUARANTINED: this instance's store waits to be readmitted"],
};
const LEASE_LOST: ModeView = {
  mode: 'safe',
  local: true,
  reasons: ['LEASE_LOST: no fresh lock status from the leading verifier'],
};
const NORMAL: ModeView = { mode: 'normal', local: false, reasons: [] };

/** What is permitted now. Reads one pointer and the given clocks, so it may stand before every emitted chunk. */
export function modeAt(state: GuardState, now: Moment): ModeView {
  const { applied, line } = state;
  if (applied !== null && !permits(applied.status))
    return { mode: applied.status.mode, local: false, reasons: applied.status.reasons };
  if (state.conflictEpoch !== null) return CONFLICT;
  if (hasOwnAlarm(state)) return OWN_ALARM;
  if (applied === null) return STARTING;
  const { quarantined } = applied.status;
  if (quarantined.length > 0 && (quarantined.includes(state.self.store) || quarantined.includes(state.self.keyId)))
    return QUARANTINED;
  if (line === null || line.epoch !== applied.status.epoch || leaderBoundMs(line, now) >= applied.status.expiresLeaderMs)
    return LEASE_LOST;
  return NORMAL;
}

/** The whole view of the guard that a service works with. */
export interface GuardView extends ModeView {
  /** `generation.epoch.revision.beat`; empty before the first status. */
  readonly order: string;
  readonly epoch: number;
  readonly lockDigest: string | null;
  readonly lockSequence: number | null;
  readonly substitutions: Readonly<Record<string, string>>;
  readonly refusedArtifacts: readonly string[];
}

/** The mode with the facts of the status that it rests on. */
export function lockState(state: GuardState, now: Moment): GuardView {
  const status = state.applied?.status;
  return {
    ...modeAt(state, now),
    order: status === undefined ? '' : orderText(status),
    epoch: status?.epoch ?? 0,
    lockDigest: status?.lockDigest ?? null,
    lockSequence: status?.lockSequence ?? null,
    substitutions: status?.substitutions ?? {},
    refusedArtifacts: status?.refusedArtifacts ?? [],
  };
}

function hasOwnAlarm({ latches }: GuardState): boolean {
  if (latches.size === 0) return false;
  return [...latches.values()].some((latch) => latch.own);
}
