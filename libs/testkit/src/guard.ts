import type { LockState, LockView } from '@smartlite/chassis';

const NORMAL: LockState = {
  mode: 'normal',
  local: false,
  reasons: [],
  order: '1.1.1.1',
  epoch: 1,
  lockDigest: `sha256:${'0'.repeat(64)}`,
  lockSequence: 1,
  substitutions: {},
  refusedArtifacts: [],
};

export type RaisedAlarm = Parameters<LockView['alarm']>[0];

export interface SettableGuard extends LockView {
  /** Changes what is in force, as a status does: listeners are told. */
  become(change: Partial<LockState>): void;
  readonly alarms: readonly RaisedAlarm[];
}

/** A guard in normal mode whose state the test sets. */
export function settableGuard(start: Partial<LockState> = {}): SettableGuard {
  let state: LockState = { ...NORMAL, ...start };
  const listeners = new Set<(next: LockState) => void>();
  const alarms: RaisedAlarm[] = [];
  return {
    alarms,
    current: () => state,
    alarm: (alarm) => void alarms.push(alarm),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    become(change) {
      state = { ...state, ...change };
      for (const listener of listeners) listener(state);
    },
  };
}
