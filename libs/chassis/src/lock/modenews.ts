import { MODES } from '@smartlite/contracts';
import type { LockState, Log, Metrics, Trail } from '../platform.ts';

/** Tells listeners, and the record, of what may run here: once for each change; a mere renewal is none. */
export class ModeNews {
  readonly #parts: { readonly log: Log; readonly metrics: Metrics; readonly trail: Trail };
  readonly #listeners = new Set<(state: LockState) => void>();
  #told: LockState;

  constructor(parts: { readonly log: Log; readonly metrics: Metrics; readonly trail: Trail }, first: LockState) {
    this.#parts = parts;
    this.#told = first;
  }

  onChange(listener: (state: LockState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether this instance has just gone safe by its own clock. */
  tell(state: LockState): boolean {
    if (sameVerdict(this.#told, state)) return false;
    const from = this.#told;
    this.#told = state;
    const changed = from.mode !== state.mode || from.local !== state.local;
    if (changed) this.#report(from, state);
    for (const listener of this.#listeners) this.#call(listener, state);
    return changed && state.local && state.mode === 'safe';
  }

  #call(listener: (state: LockState) => void, state: LockState): void {
    try {
      listener(state);
    } catch (error) {
      this.#parts.log.error('a listener to the lock state failed', { error });
    }
  }

  #report(from: LockState, { mode, local, reasons, order }: LockState): void {
    const { log, trail, metrics } = this.#parts;
    metrics.counter('lock_mode_changes_total', 'Changes of the mode in force here.', ['mode']).inc({ mode });
    const inForce = metrics.gauge('lock_mode', '1 for the mode in force here, 0 for the others.', ['mode']);
    for (const each of MODES) inForce.set({ mode: each }, each === mode ? 1 : 0);
    log.info('the mode has changed', { from: from.mode, mode, local, reasons, order });
    try {
      trail.record('mode.changed', { from: from.mode, to: mode, local, reasons, order });
    } catch (error) {
      // The gate must not depend on the trail.
      log.error('a change of mode could not be recorded', { error });
    }
  }
}

function sameVerdict(a: LockState, b: LockState): boolean {
  if (a.mode !== b.mode || a.local !== b.local || a.epoch !== b.epoch || a.lockDigest !== b.lockDigest) return false;
  return (
    JSON.stringify([a.refusedArtifacts, a.substitutions, a.reasons]) ===
    JSON.stringify([b.refusedArtifacts, b.substitutions, b.reasons])
  );
}
