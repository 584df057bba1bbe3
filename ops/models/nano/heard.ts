import { parseCall } from '../../../services/llm/src/tools/call.ts';
import { execute } from '../../../services/llm/src/tools/execute.ts';
import type { Chance } from './random.ts';

/** Thirty years from the first of January 2020, so that every weekday, month and hour is heard. */
const FIRST_MS = Date.UTC(2020, 0, 1);
const MINUTES = 30 * 365 * 24 * 60;
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Tokyo'] as const;

/** What the LLM service says for a call, drawn anew: the history in training reads as it will in service. */
export function heardFor(call: string, chance: Chance): string {
  const parsed = parseCall(call);
  if (parsed === undefined) return 'Sorry, I did not understand that.';
  const nowMs = FIRST_MS + chance.between(0, MINUTES) * 60_000;
  const minutes = chance.between(1, 90);
  const running = chance.happens(0.7) ? [{ label: `${minutes} minutes`, endsUnixMs: BigInt(nowMs + minutes * 60_000) }] : [];
  const timers = call.startsWith('<timer set') ? [] : running;
  const session = { timeZone: chance.pick(ZONES), timers, llmTokensLeft: BigInt(chance.between(10, 9000)), lastAnswer: 'It is heads.' };
  return execute(parsed, { nowMs, chance: chance.real(), mode: 'normal', tier: chance.pick(['lite', 'standard']), session }).text;
}
