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
    const remember = (...[kind, facts, options]: Parameters<Ports['trail']['record']>) => {
      if (kind === 'turn.answered' || kind === 'turn.failed')
        this.#turns = [turnOf(facts, nowMs(), options), ...this.#turns].slice(0, TURNS_MAX);
    };
    this.trail = {
      record(kind, facts, options) {
        remember(kind, facts, options);
        return trail.record(kind, facts, options);
      },
      attest(kind, facts, statement, options) {
        remember(kind, facts, options);
        return trail.attest(kind, facts, statement, options);
      },
    };
  }

  /** The newest first. */
  get turns(): readonly TurnFact[] {
    return this.#turns;
  }
}

function turnOf(
  facts: Parameters<Ports['trail']['record']>[1],
  atUnixMs: number,
  options?: { readonly traceId?: string },
): TurnFact {
  const models = ['asr_model', 'llm_model', 'tts_model'].flatMap((name) => (typeof facts[name] === 'string' ? facts[name] : []));
  const outcome = String(facts['finish'] ?? facts['code']);
  return { atUnixMs, outcome, models, llmTokens: Number(facts['llm_tokens']), traceId: options?.traceId ?? '' };
}
