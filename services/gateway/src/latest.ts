import type { Ports } from './engine.ts';

/** Turns that the console shows. */
const TURNS_MAX = 20;

/** A turn as anybody may see it: no user, no word. */
export interface TurnFact {
  readonly atUnixMs: number;
  /** How it finished, or the code of its failure. */
  readonly outcome: string;
  readonly models: readonly string[];
  readonly llmTokens: number;
  readonly traceId: string;
}

/** The trail, and a memory of the last turns that went into it. */
export class LatestTurns {
  readonly trail: Ports['trail'];
  #turns: readonly TurnFact[] = [];

  constructor(trail: Ports['trail'], nowMs: () => number) {
    this.trail = {
      record: (kind, facts, options) => {
        if (kind === 'turn.answered' || kind === 'turn.failed') {
          const models = ['asr_model', 'llm_model', 'tts_model'].flatMap((name) =>
            typeof facts[name] === 'string' ? facts[name] : [],
          );
          const outcome = String(facts['finish'] ?? facts['code']);
          const turn = {
            atUnixMs: nowMs(),
            outcome,
            models,
            llmTokens: Number(facts['llm_tokens']),
            traceId: options?.traceId ?? '',
          };
          this.#turns = [turn, ...this.#turns].slice(0, TURNS_MAX);
        }
        return trail.record(kind, facts, options);
      },
    };
  }

  /** The newest first. */
  get turns(): readonly TurnFact[] {
    return this.#turns;
  }
}
