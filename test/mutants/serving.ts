import type { Mutant } from './mutant.ts';

const RESILIENCE = 'libs/resilience/src';
const IN_REGION = 'test/spec/residency/residency.test.ts';

/** What somebody might change in the choice of who serves by mistake, and the test that must notice. */
export const servingMutants: readonly Mutant[] = [
  {
    name: 'the P99 rule is gone: a breaker opens on failures alone',
    file: `${RESILIENCE}/window.ts`,
    find: 'return this.#failing(nowMs) ?? this.#slow(nowMs);',
    put: 'return this.#failing(nowMs);',
    test: `${RESILIENCE}/breaker.test.ts`,
    red: 'opens when the P99 is beyond what is allowed',
  },
  {
    name: 'the stall rule is gone: a silent model is waited for',
    file: `${RESILIENCE}/watch.ts`,
    find: "if (now === 'replaceable') return allowedMs;",
    put: "if (now === 'replaceable') return 2 ** 30;",
    test: 'services/asr/src/transcription.test.ts',
    red: 'the segment is heard anew by the next candidate',
    alone: true,
  },
  {
    name: 'the residency filter of instances is gone',
    file: 'libs/chassis/src/discovery/choose.ts',
    find: 'wish.regions.length === 0 || wish.regions.includes(region)',
    put: 'wish.regions.length === 0 || region !== undefined',
    test: IN_REGION,
    red: 'in-region',
  },
  {
    name: 'the residency filter of models that run elsewhere is gone',
    file: `${RESILIENCE}/residency.ts`,
    find: 'return region === undefined || regions.length === 0 || regions.includes(region);',
    put: 'return region === undefined || regions.length >= 0;',
    test: IN_REGION,
    red: 'in-region',
  },
  {
    name: 'a rule of the policy that is for all tenants is forgotten',
    file: `${RESILIENCE}/regions.ts`,
    find: 'rule.tenant === undefined || rule.tenant === tenant',
    put: 'rule.tenant === tenant',
    test: IN_REGION,
    red: 'in-region',
  },
  {
    name: 'a shadow stands in though it was found bad',
    file: `${RESILIENCE}/route.ts`,
    find: "merit?.(shadow) === 'good'",
    put: 'merit?.(shadow) !== undefined',
    test: `${RESILIENCE}/route.test.ts`,
    red: 'but is bad, or was not measured lately, is not',
  },
  {
    name: 'an answer is never held back: its first token counts as said',
    file: 'services/llm/src/said.ts',
    find: "if (from !== SaidFrom.SAID_FROM_FIRST_SENTENCE) return text !== '';",
    put: "if (from !== undefined) return text !== '';",
    test: 'services/llm/src/midanswer.test.ts',
    red: 'is replaced before its first sentence is complete',
  },
  {
    name: 'a slow instance costs no more than a quick one',
    file: 'libs/chassis/src/discovery/choose.ts',
    find: 'Math.max(ms ?? fallbackMs, LATENCY_MS_MIN) * (load(instance, wish) + 1)',
    put: 'load(instance, wish) + 1 + 0 * Math.max(ms ?? fallbackMs, LATENCY_MS_MIN)',
    test: 'libs/chassis/src/discovery/directory.test.ts',
    red: 'prefers the quicker of two that are as loaded',
  },
  {
    name: 'what a caller has left does not matter to the choice of an LLM tier',
    file: `${RESILIENCE}/choice.ts`,
    find: 'tokensLeft === undefined || BigInt(need) <= tokensLeft',
    put: 'tokensLeft === undefined || need > 0',
    test: 'services/gateway/src/tiers.test.ts',
    red: 'goes to a smaller tier',
  },
  {
    name: 'a copy that a shadow speaks counts as heard',
    file: 'services/tts/src/synthesis.ts',
    find: 'copy ? new Spoken() : spoken',
    put: 'copy ? spoken : spoken',
    test: 'services/tts/src/synthesis.test.ts',
    red: 'that spoke half as long does not',
  },
];
