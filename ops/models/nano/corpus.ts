import { createWriteStream, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { DECLINE_TEXT } from '../../../services/llm/src/decline.ts';
import { normalise } from '../../../services/llm/src/normalise.ts';
import { readQuestions } from './evaluation/questions.ts';
import { heardFor } from './heard.ts';
import { CONVERSIONS } from './intents/conversions.ts';
import { FACTS } from './intents/facts.ts';
import { FOLLOW_UPS, type Turn } from './intents/follow-ups.ts';
import { GAMES } from './intents/games.ts';
import { HOUSE } from './intents/house.ts';
import type { Intent } from './intents/intent.ts';
import { OUTSIDE } from './intents/outside.ts';
import { SUMS } from './intents/sums.ts';
import { TALK } from './intents/talk.ts';
import { TIMERS } from './intents/timers.ts';
import { mishear, withReason, withStrangeWord, wrap } from './noise.ts';
import { expand, patternWords } from './pattern.ts';
import { type Chance, seededChance } from './random.ts';
import { UNITS } from './units.ts';

/** One example: what was said before, what is asked (normalised), and what the model must write. */
export interface Example {
  readonly intent: string;
  readonly before: readonly Turn[];
  readonly question: string;
  readonly answer: string;
}

export const INSIDE: readonly Intent[] = [...FACTS, ...SUMS, ...CONVERSIONS, ...TIMERS, ...GAMES, ...HOUSE, ...TALK];
const SINGLE: readonly Intent[] = [...INSIDE, ...OUTSIDE];

/** Shares of the corpus; the rest are single questions. */
const FOLLOW_UP_SHARE = 0.1;
const UNRELATED_HISTORY_SHARE = 0.06;
const MISHEARD_SHARE = 0.18;
const REASON_SHARE = 0.04;
const STRANGE_WORD_SHARE = 0.04;

/** Draws one example. */
export function drawExample(chance: Chance): Example {
  const kind = chance.real();
  if (kind < FOLLOW_UP_SHARE) return drawFollowUp(chance);
  const example = drawSingle(chance);
  if (kind > FOLLOW_UP_SHARE + UNRELATED_HISTORY_SHARE) return example;
  const before = Array.from({ length: chance.pick([1, 1, 2]) }, () => drawTurn(chance));
  return { ...example, before };
}

function drawSingle(chance: Chance): Example {
  const intent = weighted(SINGLE, chance);
  const { slots, answer } = intent.fill(chance);
  const question = spoken(chance.pick(intent.patterns), slots, chance, answer);
  return { intent: intent.name, before: [], question, answer };
}

function drawFollowUp(chance: Chance): Example {
  const followUp = weighted(FOLLOW_UPS, chance);
  const { before, slots, answer } = followUp.fill(chance);
  const question = spoken(chance.pick(followUp.patterns), slots, chance, answer);
  const earlier = chance.happens(0.2) ? [drawTurn(chance)] : [];
  return { intent: `after-${followUp.name}`, before: [...earlier, { ...before, question: normalise(before.question) }], question, answer };
}

function drawTurn(chance: Chance): Turn {
  const { question, answer } = drawSingle(chance);
  return { question, heard: answer.startsWith('<') ? heardFor(answer, chance) : answer };
}

function spoken(pattern: string, slots: Readonly<Record<string, string>>, chance: Chance, answer: string): string {
  const mark = pattern[0] === '!' || pattern[0] === '?' ? pattern[0] : '';
  const core = expand(pattern.slice(mark.length), slots, chance);
  const said = normalise(wrap(mark + core, chance));
  const kind = chance.real();
  if (kind < MISHEARD_SHARE) return normalise(mishear(said, chance, wordsThatMatter(answer)));
  if (answer === DECLINE_TEXT || kind > MISHEARD_SHARE + REASON_SHARE + STRANGE_WORD_SHARE) return said;
  return kind < MISHEARD_SHARE + REASON_SHARE ? normalise(withReason(said, chance)) : normalise(withStrangeWord(said, chance, wordsThatMatter(answer)));
}

/** Words that the answer copies stay as they are, or the example would teach a wrong copy. */
function wordsThatMatter(answer: string): ReadonlySet<string> {
  const units = UNITS.filter((unit) => answer.includes(unit.name)).map((unit) => unit.plural);
  const words = answer.toLowerCase().replace(/[<>|.,]/g, ' ').split(/\s+/);
  return new Set([...words, ...words.map((word) => `${word}s`), ...units]);
}

function weighted<T extends { readonly weight: number }>(items: readonly T[], chance: Chance): T {
  let rest = chance.real() * items.reduce((sum, item) => sum + item.weight, 0);
  const found = items.find((item) => (rest -= item.weight) < 0) ?? items.at(-1);
  if (found === undefined) throw new RangeError('no intents to draw from');
  return found;
}

/** Every word that the domain's own patterns bring, and the units: what the declining rule counts as known. */
export function domainWords(): string[] {
  const patterns = [...INSIDE, ...FOLLOW_UPS].flatMap((intent) => intent.patterns);
  const fromPatterns = patterns.flatMap((pattern) => patternWords(pattern)).flatMap((word) => normalise(word).split(' '));
  const all = [...fromPatterns, ...UNITS.flatMap((unit) => [unit.name, unit.plural]), 'percent', 'degrees', 'point', 'half'];
  return [...new Set(all)].filter((word) => /^[a-z]+$/.test(word)).sort();
}

/** Writes `COUNT` examples as JSON lines, none of which is a question of the evaluation lists, and the vocabulary. */
async function main(): Promise<void> {
  const [out = 'corpus.jsonl', count = '400000', seed = '20263'] = process.argv.slice(2);
  const chance = seededChance(Number(seed));
  const reserved = new Set(['heldout', 'calibration'].flatMap((name) => readQuestions(name).map((item) => normalise(item.question))));
  const file = createWriteStream(out);
  for (let made = 0; made < Number(count); ) {
    const example = drawExample(chance);
    if (reserved.has(example.question) || example.question === '') continue;
    made++;
    if (!file.write(`${JSON.stringify(example)}\n`)) await once(file, 'drain');
  }
  file.end();
  writeFileSync(new URL('vocabulary.txt', import.meta.url), `${domainWords().join('\n')}\n`);
}

if (import.meta.main) await main();
