import type { ControlState } from './controlstate.ts';
import type { ControlBody } from './entry.ts';
import { type Effect, worst } from './failure.ts';
import { isOpen, type Ledgered } from './failurerecord.ts';

/** What the open failures demand. `safe` also where nothing is open, but a release has not been earned yet. */
export function controlMode(state: ControlState): 'normal' | 'safe' | 'halted' {
  if (state.releasedAt !== null) return 'normal';
  return demanded(state) === 'halted' ? 'halted' : 'safe';
}

/** Whether a release of that lock would hold at this place of the log; else why not. */
export function whyNotReleasable(state: ControlState, lockDigest: string): string | null {
  if (demanded(state) !== 'tolerated') return 'failures are open';
  if (state.passed === null || state.passed.begin < state.lastFailure)
    return 'no full verification has begun since the last failure';
  if (state.passed.lockDigest !== lockDigest) return 'the last full verification was of another lock';
  if (state.logMs < state.dwellUntilMs) return 'the time of rest after a failure is not over';
  return null;
}

/** The strictest effect of all open failures. */
export function demanded(state: Ledgered): Effect {
  return worst([...state.failures.values()].filter(isOpen).map(({ fact }) => fact));
}

/** A leader's release, where it is earned at this place of the log. */
export function foldRelease(state: ControlState, body: Extract<ControlBody, { kind: 'release' }>): ControlState {
  if (whyNotReleasable(state, body.lockDigest) !== null) return state;
  return {
    ...state,
    releasedAt: state.position,
    adopted: { digest: body.lockDigest, sequence: body.lockSequence, mismatch: body.mismatch },
  };
}

/** Bad news closes the gate at its own place in the log; only a release opens it again. */
export function closeGate(state: ControlState): ControlState {
  return state.releasedAt !== null && state.lastFailure > state.releasedAt ? { ...state, releasedAt: null } : state;
}
