import type { ControlState } from './control.ts';
import { EPOCH_STEP_MAX } from './limits.ts';

/** Who leads, by the log alone. */
export interface Leader {
  readonly instance: string;
  readonly keyId: string;
  readonly boot: string;
  /** Position of the campaign that won. */
  readonly since: number;
  /** The log's time at the last beat. */
  readonly lastBeatMs: number;
  readonly resigned: boolean;
}

/**
 * Whether a campaign at this place of the log wins: the incumbent has resigned, or the log's time is past its lease. A wrong server
 * clock can cost a needless election, never two leaders of one epoch: the first valid campaign in the log's order is the only one.
 */
export function campaignHolds(state: ControlState, epoch: number, keyId: string): boolean {
  if (epoch <= state.epoch || epoch > state.epoch + EPOCH_STEP_MAX || state.deposedKeys.has(keyId)) return false;
  return isVacant(state, state.logMs);
}

/** Whether nobody leads at that time of the log. */
export function isVacant(state: Pick<ControlState, 'leader' | 'rules'>, logMs: number): boolean {
  return state.leader === null || state.leader.resigned || logMs >= state.leader.lastBeatMs + state.rules.leadMs;
}
