import type { LockState } from '../platform.ts';
import type { WorkRules } from './host.ts';

/** A model that a service wants to serve with. */
export interface WantedModel {
  readonly id: string;
  /** As the pack names it; shown in the mesh's status. */
  readonly tier: string;
  /** As the pack names it, for example `primary` or `fallback`; shown in the mesh's status. */
  readonly role: string;
  /** Artifact ids: a model with a refused artifact is not run. */
  readonly artifacts: readonly string[];
  /**
   * `at-once`: loaded as soon as the mode permits, and again after a crash. `standby`: loaded when what serves has been loaded for a
   * while, so that it takes over without a start of its own; or before that, by the first call that needs it.
   */
  readonly load: 'at-once' | 'standby';
  /** Fallbacks and what they cannot do without are kept in fleet-wide safe mode, for operators' diagnostic calls; the rest is unloaded. */
  readonly inSafeMode: 'keep' | 'unload';
  /** How its process takes work. */
  readonly work?: WorkRules;
}

/**
 * What the lock state permits one model.
 * `run`: it should be loaded. `standby`: likewise once it is its turn; a call may load it before. `allow`: it may stay loaded, and a
 * call may load it. `hold`: it may stay loaded, nothing is started.
 * `stop`: its process ends now.
 */
export type Permission =
  | { readonly kind: 'run' }
  | { readonly kind: 'standby' }
  | { readonly kind: 'allow' }
  | { readonly kind: 'hold' | 'stop'; readonly because: string };

/** Decides for one model from the state in force. Pure; nothing is permitted that is not listed here. */
export function permissionFor(model: WantedModel, state: LockState): Permission {
  if (state.mode === 'halted') return { kind: 'stop', because: 'the mesh is halted' };
  const refused = model.artifacts.find((artifact) => state.refusedArtifacts.includes(artifact));
  if (refused !== undefined) return { kind: 'stop', because: `artifact ${refused} is refused` };
  if (state.mode === 'normal') return { kind: model.load === 'at-once' ? 'run' : 'standby' };
  if (state.mode === 'safe' && !state.local) return inFleetSafeMode(model);
  return { kind: 'hold', because: state.mode === 'safe' ? 'this instance has no fresh lock status' : 'no lock status yet' };
}

function inFleetSafeMode(model: WantedModel): Permission {
  return model.inSafeMode === 'keep' ? { kind: 'allow' } : { kind: 'stop', because: 'safe mode keeps fallback models alone' };
}
