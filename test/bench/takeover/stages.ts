import { ALICE, DEFAULT_MODELS, type ScriptedModel, type ScriptStep, type TestFleet, toneOf } from '@smartlite/testkit';

/** Of the scripted pack: what each stage may take. */
export const P99_MS = 1_600;
/** LiveKit's fallback adapter, measured for comparison: it leaves a hung model after this, and never a slow one or one that stalls after its headers. */
export const LIVEKIT = { stop: '5100 ms', kill: 'at once', stall: 'never', garbage: 'at once', crash: 'at once' } as const;
const SPOKEN = Buffer.from(toneOf({ ms: 1_000, hz: 440, rateHz: 16_000 }));

const frame: ScriptStep = { chunk: { pcm: { $tone: { ms: 100, hz: 440, rateHz: 16_000 } }, rateHz: 16_000 } };
const prompt: ScriptStep = { chunk: { kind: 'prompt', tokens: 7 } };
const word: ScriptStep = { chunk: { kind: 'token', text: 'Well', tokens: 1, logProb: null } };
const end: ScriptStep = { chunk: { kind: 'end', reason: 'stop' } };
const rules = (good: readonly ScriptStep[], begun: readonly ScriptStep[]) => [
  { when: 'stall', steps: [...begun, { hold: 'never' }] },
  { when: 'garbage', steps: [...begun, { chunk: { noise: true } }] },
  { when: 'crash', steps: [...begun, { exit: 3 }] },
  { steps: [...good] },
];
const counting = { when: '"kind":"count', steps: [{ chunk: { kind: 'count', tokens: 7 } }] };
const SCRIPTS: Readonly<Record<string, ScriptedModel['script']['rules']>> = {
  mind: [counting, ...rules([prompt, word, end], [prompt, word])],
  mouth: rules([frame, frame], [frame]),
};

/** Models that go wrong where they are asked to. */
export const MODELS = DEFAULT_MODELS.map((model) => {
  const script = SCRIPTS[model.id];
  return script === undefined ? model : { ...model, script: { format: 'smartlite-script/1' as const, rules: script } };
});

export type Fault = keyof typeof LIVEKIT;

export interface Stage {
  readonly service: 'asr' | 'llm' | 'tts';
  readonly primary: string;
  readonly spare: string;
  readonly faults: readonly Fault[];
  /** Resolves with who answered, when the first result that anybody can use is there. */
  readonly ask: (fleet: TestFleet, text: string) => Promise<string | undefined>;
}

export const STAGES: readonly Stage[] = [
  { service: 'asr', primary: 'ears', spare: 'quick-ears', faults: ['kill', 'stop'], ask: heard },
  { service: 'llm', primary: 'mind', spare: 'spare-mind', faults: ['garbage', 'crash', 'kill', 'stall', 'stop'], ask: answered },
  { service: 'tts', primary: 'mouth', spare: 'spare-mouth', faults: ['garbage', 'crash', 'kill', 'stall', 'stop'], ask: spoken },
];

async function heard({ peers }: TestFleet): Promise<string | undefined> {
  const settings = { tier: '', partials: false, endAtPause: false };
  return (await peers.asr.transcribe({ settings, pcm: SPOKEN }, { caller: ALICE })).servedBy?.model;
}

async function answered({ peers }: TestFleet, content: string): Promise<string | undefined> {
  const messages = [{ role: 'user', content }];
  const request = { messages, tier: '', maxTokens: 0, temperature: 0, seed: 0n, facts: undefined, saidFrom: 1 as const };
  for await (const { kind } of peers.llm.generate(request, { caller: ALICE }))
    if (kind?.$case === 'done') return kind.value.servedBy?.model;
  return undefined;
}

async function spoken({ peers }: TestFleet, text: string): Promise<string | undefined> {
  for await (const { kind } of peers.tts.synthesize({ text, voice: '', rate: 0 }, { caller: ALICE }))
    if (kind?.$case === 'done') return kind.value.servedBy?.model;
  return undefined;
}
