import type { Call } from '@smartlite/chassis';
import type { TurnSettings } from '@smartlite/contracts';
import type { Ports } from '../engine.ts';
import type { Meter } from './meter.ts';
import type { PacedTurn } from './pace.ts';
import type { Progress } from './progress.ts';
import type { Said } from './said.ts';

/** What all parts of one turn share. */
export interface Scene {
  readonly ports: Ports;
  readonly call: Call;
  readonly settings: TurnSettings;
  readonly meter: Meter;
  readonly progress: Progress;
  /** Takes what is said aloud. */
  readonly said: Said;
  /** Counts it among the turns that are being answered. */
  readonly pace: PacedTurn;
  /** Ends when the call does, and when the turn does. */
  readonly signal: AbortSignal;
}
