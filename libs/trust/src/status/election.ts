import type { ControlState } from './controlstate.ts';
import type { ControlBody } from './entry.ts';
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

/** Who has signed an entry. */
export type Author = Pick<Leader, 'instance' | 'keyId' | 'boot'>;

/** A campaign at its place of the log; the winner leads from here on. */
export function foldCampaign(
  state: ControlState,
  body: Extract<ControlBody, { kind: 'campaign' }>,
  author: Author,
): ControlState {
  if (!campaignHolds(state, body.epoch, author.keyId)) return state;
  const leader = { ...author, since: state.position, lastBeatMs: state.logMs, resigned: false };
  return { ...state, epoch: body.epoch, verifierStores: new Set(state.verifierStores).add(body.store), leader };
}

/** A leader whose key has contradicted itself leads no more. */
export function dethrone(state: ControlState): ControlState {
  if (state.leader === null || !state.deposedKeys.has(state.leader.keyId)) return state;
  return { ...state, leader: { ...state.leader, resigned: true } };
}

/** Whether the author, in this very boot, leads in that epoch. */
export function isLeader(state: ControlState, author: Author, epoch: number): boolean {
  const { leader } = state;
  return (
    leader !== null && !leader.resigned && state.epoch === epoch && leader.keyId === author.keyId && leader.boot === author.boot
  );
}
