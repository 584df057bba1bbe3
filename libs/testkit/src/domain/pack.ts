import { createHash } from 'node:crypto';
import type { Pack } from '@smartlite/trust';
import type { Script } from '../scripted/script.ts';

/** A scripted model of a test's pack. */
export interface ScriptedModel {
  readonly id: string;
  readonly service: 'asr' | 'llm' | 'tts';
  readonly script: Script;
  readonly settings?: Readonly<Record<string, unknown>>;
}

const LATENCY = { target_ms: 800, p99_ms: 1_600 };
const BUDGET = { prompt: 512, answer: 128 };

/** Says "hello world" to all speech, and answers everything with a sentence of two parts, spoken as a tone. */
export const DEFAULT_MODELS: readonly ScriptedModel[] = [
  { id: 'ears', service: 'asr', script: always({ text: 'hello world', confidence: 0.9, complete: true }) },
  { id: 'quick-ears', service: 'asr', script: always({ text: 'hello', confidence: 0.8, complete: true }) },
  { id: 'detector', service: 'asr', script: { format: 'smartlite-script/1', rules: [{ steps: [{ detect: 'loudness' }] }] } },
  { id: 'mind', service: 'llm', script: mind('Hello there. How are you?') },
  { id: 'spare-mind', service: 'llm', script: mind('I can only say hello.') },
  { id: 'mouth', service: 'tts', script: voice() },
  { id: 'spare-mouth', service: 'tts', script: voice() },
];

/** The bytes of a model's script, as they lie on the disk. */
export function scriptBytes({ script }: ScriptedModel): Uint8Array {
  return Buffer.from(`${JSON.stringify(script, null, 2)}\n`);
}

/** A whole pack with these models in the places of the real ones. */
export function scriptedPack(models: readonly ScriptedModel[], holds: string): Pack {
  const named = (service: string, index: number) => {
    const own = models.filter((model) => model.service === service);
    return (own[index] ?? own[0])?.id ?? 'missing';
  };
  const tier = {
    ...LATENCY,
    device: 'cpu' as const,
    candidates: [
      { model: named('asr', 0), role: 'primary' as const },
      { model: named('asr', 1), role: 'shadow' as const },
    ],
  };
  const answers = {
    token_budget: BUDGET,
    candidates: [
      { model: named('llm', 0), role: 'primary' as const },
      { model: named('llm', 1), role: 'fallback' as const },
    ],
  };
  return {
    format: 'smartlite-pack/1',
    name: 'scripted',
    version: '1.0.0',
    artifacts: models.map((model) => artifactOf(model)),
    models: models.map(({ id, service, settings = {} }) => ({
      id,
      service,
      engine: 'scripted',
      artifacts: [`${id}-script`],
      architecture: 'script',
      licence: 'Apache-2.0',
      settings: {
        holds,
        ...(service === 'tts' && { voice: 'tone', voices: ['tone'] }),
        ...settings,
      } as Pack['models'][number]['settings'],
    })),
    asr_pack: {
      default_tier: 'baseline_conformer',
      vad: named('asr', 2),
      partials: named('asr', 1),
      tiers: { baseline_conformer: tier, enhanced_transducer: tier, realtime_streaming: tier },
    },
    llm_tiers: {
      default_tier: 'standard',
      tiers: { lite: answers, standard: answers, premium: { token_budget: BUDGET, served_by_tier: 'standard', candidates: [] } },
    },
    tts_pack: {
      roles: {
        vits_multilingual: { role: 'primary', model: named('tts', 0) },
        tacotron2: { role: 'fallback', model: named('tts', 1) },
      },
    },
    latency_profile: { asr: LATENCY, llm: LATENCY, tts: LATENCY, turn: LATENCY },
    residency_policy: { regions: ['local'], rules: [] },
    lexicon: { pronunciations: [], domain_terms: [] },
    token_budget: {
      limits: (['requests', 'llm_tokens', 'asr_seconds', 'tts_characters'] as const).map((unit) => {
        return { scope: 'fleet', unit, window: 'day', limit: 1_000_000 };
      }),
    },
  };
}

function artifactOf(model: ScriptedModel): Pack['artifacts'][number] {
  const bytes = scriptBytes(model);
  const path = `${model.id}/script.json`;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return {
    id: `${model.id}-script`,
    path,
    role: 'script',
    format: 'data',
    size: bytes.length,
    sha256,
    licence: 'Apache-2.0',
    source: { kind: 'file', path },
  };
}

function always(chunk: object): Script {
  return { format: 'smartlite-script/1', rules: [{ steps: [{ chunk: chunk as never }] }] };
}

function mind(answer: string): Script {
  const tokens = answer.match(/\s*\S+/g) ?? [];
  const steps = [
    { chunk: { kind: 'prompt', tokens: 7 } },
    ...tokens.map((text) => ({ chunk: { kind: 'token', text, tokens: 1, logProb: null } })),
    { chunk: { kind: 'end', reason: 'stop' } },
  ];
  return {
    format: 'smartlite-script/1',
    rules: [
      { when: '"kind":"count-prompt"', steps: [{ chunk: { kind: 'count', tokens: 7 } }] },
      { when: '"kind":"count-text"', steps: [{ chunk: { kind: 'count', tokens: 3 } }] },
      { when: '"kind":"vocabulary"', steps: [{ chunk: { kind: 'vocabulary', text: '' } }] },
      { steps },
    ],
  };
}

function voice(): Script {
  const frame = { chunk: { pcm: { $tone: { ms: 100, hz: 440, rateHz: 16_000 } }, rateHz: 16_000 } };
  return { format: 'smartlite-script/1', rules: [{ steps: [frame, frame, frame] }] };
}
