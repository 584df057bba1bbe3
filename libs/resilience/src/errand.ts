import type { Course } from './course.ts';
import type { SaidFrom } from './hold.ts';
import type { Leg } from './route.ts';
import type { ShadowPolicy } from './shadow.ts';
import type { WorkContext } from './watch.ts';

/** A model's process, as far as a relay needs it. */
export interface AnyEngine {
  kill(): void;
  /** How long new work would wait for its turn, in milliseconds, as far as it can be told. */
  readonly waitMs?: number;
}

/** What asking one leg is given. */
export interface LegContext extends WorkContext {
  /** Why it is this one's turn. */
  readonly because: string;
  /** True for a copy whose results nobody hears. */
  readonly copy: boolean;
}

/** One request that the models of a course may answer. */
export interface Errand<Engine extends AnyEngine, T> {
  readonly course: Course;
  readonly signal: AbortSignal;
  /** What the first result, and each gap, may take. */
  readonly allowedMs: number;
  /** Milliseconds, by the relay's clock, after which the caller has no use for an answer; absent: no such time. */
  readonly dueMs?: number;
  /**
   * A small question beside the real work, such as how long a prompt is: that it was answered says nothing of how the model works, so it
   * is no probe and no sample. That it was not, does.
   */
  readonly aside?: boolean;
  /** `ask` leaves out what an earlier leg has already given, so that the next one may go on in the middle. */
  readonly resumes?: boolean;
  /** Makes, for each try, what tells from when on the answer counts as said, so that nobody else may begin anew. Absent: its first result. */
  readonly saidFrom?: () => SaidFrom<T>;
  /** The leg's engine. Waiting for it says nothing about the model. */
  readonly engine: (leg: Leg, signal: AbortSignal) => Promise<Engine>;
  readonly ask: (engine: Engine, leg: Leg, context: LegContext) => AsyncIterable<T>;
  /** How shadows are measured on this request; absent: not at all. */
  readonly shadowing?: Shadowing<T>;
}

export interface Shadowing<T> {
  readonly policy: ShadowPolicy;
  /** Which results are compared; the others are not kept. Absent: all of them. */
  readonly compares?: (result: T) => boolean;
  /** How far a copy's results are from those that the caller got, 0 to 1. */
  readonly disagreement: (heard: readonly T[], copied: readonly T[]) => number;
}

/** Whether a result is worth keeping until a shadow's copy is compared with it. Pure. */
export function isCompared<Engine extends AnyEngine, T>({ shadowing }: Errand<Engine, T>, result: T): boolean {
  return shadowing?.compares?.(result) ?? true;
}
