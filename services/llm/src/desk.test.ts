import { LlmServiceService, type GenerateRequest, type GenerateResponse } from '@smartlite/contracts';
import {
  DEFAULT_MODELS,
  type EngineScript,
  harness,
  type HarnessOptions,
  type ScriptedModel,
  testDomain,
} from '@smartlite/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LlmWork } from './engine.ts';
import { llm } from './service.ts';

const PATIENCE = { timeout: 60_000, interval: 20 };
const LOCK = `sha256:${'0'.repeat(64)}` as const;
const OPERATOR = { user: 'olga', tenant: 'acme', regions: [], operator: true };
const script: ScriptedModel['script'] = { format: 'smartlite-script/1', rules: [{ steps: [] }] };
/** A pack whose primary speaks the nano dialect and whose fallback streams as it likes. */
const MODELS: readonly ScriptedModel[] = [
  ...DEFAULT_MODELS.filter(({ service }) => service !== 'llm'),
  {
    id: 'mind',
    service: 'llm',
    script,
    settings: { dialect: 'nano', decline: { unknown_share_max: 0.6, mean_log_prob_min: -0.3 } },
  },
  { id: 'book', service: 'llm', script },
];

const wordsOf = (text: string): readonly string[] => text.match(/\s*\S+/g) ?? [];
/** An engine that writes this to everything; its token is a word. */
function writes(text: string): EngineScript {
  return async function* run(given: never) {
    const work = given as LlmWork;
    if (work.kind === 'count-text') return yield { kind: 'count', tokens: wordsOf(work.text).length };
    if (work.kind === 'count-prompt') return yield { kind: 'count', tokens: work.messages.length * 10 };
    if (work.kind === 'vocabulary') return yield { kind: 'vocabulary', text: 'time\ntimer\nstatus\nmesh\n' };
    yield { kind: 'prompt', tokens: 9 };
    for (const word of wordsOf(text).slice(0, work.maxTokens)) yield { kind: 'token', text: word, tokens: 1, logProb: -0.01 };
    yield { kind: 'end', reason: wordsOf(text).length > work.maxTokens ? 'length' : 'stop' };
  };
}
/** An engine that fails after so many words. */
function fails(afterWords: number): EngineScript {
  return async function* run(given: never) {
    const work = given as LlmWork;
    if (work.kind === 'vocabulary') return yield { kind: 'vocabulary', text: 'time' };
    if (work.kind !== 'generate') return yield { kind: 'count', tokens: 1 };
    for (let word = 0; word < afterWords; word++) yield { kind: 'token', text: ' word', tokens: 1, logProb: 0 };
    throw new Error('the engine is broken');
  };
}

let domain: Awaited<ReturnType<typeof testDomain>>;
let files: NonNullable<HarnessOptions['models']>;
beforeAll(async () => {
  domain = await testDomain({ models: MODELS });
  const real = await domain.modelFiles();
  // The engines of the harness run under the lock that its guard starts with; the pack is the domain's, verified.
  const verified = { ...(await real.verify()), lockDigest: LOCK };
  files = { root: real.root, trust: real.trust, verify: () => Promise.resolve(verified) };
  return () => domain[Symbol.dispose]();
});

async function serving(engines: HarnessOptions['engines'], loaded: readonly string[] = ['mind']) {
  const mesh = await harness(llm, { engines: engines ?? {}, models: files, state: { lockDigest: LOCK } });
  await mesh.start();
  await expect.poll(() => loaded.every((model) => mesh.engines.running.has(model)), PATIENCE).toBe(true);
  await expect.poll(() => mesh.wired.facts?.().models?.filter(({ state }) => state === 'loading'), PATIENCE).toEqual([]);
  return mesh;
}
type Mesh = Awaited<ReturnType<typeof serving>>;

const request = (content: string, more: Partial<GenerateRequest> = {}): GenerateRequest => ({
  messages: [{ role: 'user', content }],
  tier: '',
  maxTokens: 0,
  temperature: 0,
  seed: 0n,
  facts: undefined,
  saidFrom: 0 as const,
  ...more,
});

async function ask(mesh: Mesh, given: GenerateRequest, caller?: typeof OPERATOR) {
  const pieces: GenerateResponse['kind'][] = [];
  for await (const { kind } of mesh.of(LlmServiceService).generate(given, caller ? { caller } : {})) pieces.push(kind);
  const chunks = pieces.flatMap((kind) => (kind?.$case === 'chunk' ? [kind.value] : []));
  return {
    text: chunks.map(({ text }) => text).join(''),
    tokens: chunks.reduce((sum, { tokens }) => sum + tokens, 0),
    done: pieces.flatMap((kind) => (kind?.$case === 'done' ? [kind.value] : []))[0],
  };
}

describe('the LLM service with its models loaded', () => {
  it('answers with a fact of the tools, counted as it was streamed, and says who wrote it and why', async () => {
    await using mesh = await serving({ mind: writes('<status>'), book: writes('I am away.') });
    const { text, tokens, done } = await ask(mesh, request('What is the status of the mesh?'));
    expect(text).toBe('The mesh is in normal mode, and every model is verified.');
    expect(done).toMatchObject({ finishReason: 'tool', tool: 'status', promptTokens: 9, answerTokens: tokens });
    expect(done?.servedBy).toMatchObject({ model: 'mind', tier: 'standard', lockDigest: expect.stringMatching(/^sha256:/) });
  });

  it('serves premium by standard, and says so', async () => {
    await using mesh = await serving({ mind: writes('<tier>') });
    const { text, done } = await ask(mesh, request('Which tier?', { tier: 'premium' }));
    expect(done?.servedBy?.because).toMatch(/premium is unbound in this pack and served by standard/);
    expect(text).toBe('You are talking to the standard tier.');
  });

  it('keeps the timers of a session in the hands of the caller', async () => {
    await using mesh = await serving({ mind: writes('<timer set 5 minute>') });
    const facts = { timers: [], timeZone: 'UTC', lastAnswer: '', llmTokensLeft: undefined };
    const { done } = await ask(mesh, request('set a timer for 5 minutes', { facts }));
    expect(done?.timers).toEqual([{ label: '5 minutes', endsUnixMs: BigInt(mesh.clock.nowMs() + 300_000) }]);
  });

  it('never answers with more tokens than the caller asked for, nor than the tier has', async () => {
    await using mesh = await serving({ mind: fails(0), book: writes('word '.repeat(1_000)) });
    const few = await ask(mesh, request('time', { maxTokens: 20 }));
    expect(few).toMatchObject({ tokens: 20, done: { answerTokens: 20, finishReason: 'length' } });
    expect(few.text).toMatch(/I have to stop here\.$/);
    expect((await ask(mesh, request('time', { maxTokens: 100_000 }))).tokens).toBe(128);
  });

  it('counts a prompt by the model that would be asked first', async () => {
    await using mesh = await serving({ mind: writes('') });
    const counted = await mesh.of(LlmServiceService).countTokens({ messages: request('time').messages, tier: 'standard' }, {});
    expect(counted).toEqual({ promptTokens: 10, answerTokensMax: 128, promptTokensMax: 512 });
  });

  it.each([
    ['no message', request('', { messages: [] }), /messages/],
    ['a message of the system last', request('', { messages: [{ role: 'system', content: 'x' }] }), /user/],
    ['a role there is not', request('', { messages: [{ role: 'root', content: 'x' }] }), /messages\[0\]\.role/],
    ['too many messages', request('', { messages: Array.from({ length: 65 }, () => ({ role: 'user', content: '' })) }), /64/],
    ['too many characters', request('word '.repeat(10_000)), /32768/],
    ['an unknown tier', request('x', { tier: 'huge' }), /standard/],
    ['a temperature out of bounds', request('x', { temperature: 9 }), /temperature/],
    ['a temperature that is no number', request('x', { temperature: Number.NaN }), /temperature/],
  ])('refuses %s, saying where, and serves the next', async (_what, bad, where) => {
    await using mesh = await serving({ mind: writes('<time>') });
    await expect(ask(mesh, bad)).rejects.toMatchObject({ code: 'invalid-argument', message: expect.stringMatching(where) });
    expect((await ask(mesh, request('what time is it'))).done).toMatchObject({ tool: 'time' });
  });
});

describe('the LLM service without its primary', () => {
  it('is served by the fallback where the primary cannot be loaded, and says why', async () => {
    await using mesh = await serving({ book: writes('The model is away.') }, []);
    const { text, done } = await ask(mesh, request('Who are you?'));
    expect(text).toBe('The model is away.');
    expect(done?.servedBy).toMatchObject({ model: 'book', because: expect.stringMatching(/mind/) });
  });

  it('is served by the fallback where the primary fails before its first word', async () => {
    await using mesh = await serving({ mind: fails(0), book: writes('The model is away.') });
    expect((await ask(mesh, request('what time is it'))).text).toBe('The model is away.');
  });

  it('fails where all fail, with an error that may be tried again', async () => {
    await using mesh = await serving({ mind: fails(0), book: fails(0) });
    await expect(ask(mesh, request('time'))).rejects.toMatchObject({ code: expect.stringMatching(/unavailable|internal/) });
  });
});

describe('safe mode', () => {
  it('refuses users and ends the primary', async () => {
    await using mesh = await serving({ mind: writes('<time>'), book: writes('I am a phrasebook.') });
    mesh.guard.become({ mode: 'safe' });
    await expect(ask(mesh, request('time'))).rejects.toMatchObject({ code: 'safe-mode' });
    await expect.poll(() => mesh.engines.running.has('mind'), PATIENCE).toBe(false);
  });

  it('lets operators diagnose it by fallbacks alone', async () => {
    await using mesh = await serving({ mind: writes('<time>'), book: writes('I am a phrasebook.') });
    mesh.guard.become({ mode: 'safe' });
    const { text, done } = await ask(mesh, request('time'), OPERATOR);
    expect(text).toBe('I am a phrasebook.');
    expect(done?.servedBy?.model).toBe('book');
  });
});
