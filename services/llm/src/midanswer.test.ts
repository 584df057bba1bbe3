import { type GenerateResponse, LlmServiceService, SaidFrom } from '@smartlite/contracts';
import { DEFAULT_MODELS, type EngineScript, harness, type HarnessOptions, testDomain } from '@smartlite/testkit';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { llm } from './service.ts';
import type { LlmWork } from './engine.ts';

const PATIENCE = { timeout: 60_000, interval: 20 };
const LOCK = `sha256:${'0'.repeat(64)}` as const;
const WHOLE = 'The model is away. Ask me again.';
const FAULTS = ['stall', 'crash', 'garbage', 'no end'] as const;

/** An engine that says this and then goes wrong; or ends well. */
function says(text: string, fault?: (typeof FAULTS)[number]): EngineScript {
  return async function* run(given: never) {
    if ((given as LlmWork).kind !== 'generate') return yield { kind: 'count', tokens: 1 };
    yield { kind: 'prompt', tokens: 9 };
    for (const word of text.match(/\s*\S+/g) ?? []) yield { kind: 'token', text: word, tokens: 1, logProb: null };
    if (fault === 'stall') await new Promise<never>(() => undefined);
    if (fault === 'crash') throw new Error('the engine is broken');
    if (fault === 'garbage') yield { kind: 'token', text: 5 };
    if (fault === undefined) yield { kind: 'end', reason: 'stop' };
  };
}

let files: NonNullable<HarnessOptions['models']>;
beforeAll(async () => {
  const domain = await testDomain({ models: DEFAULT_MODELS });
  const real = await domain.modelFiles();
  const verified = { ...(await real.verify()), lockDigest: LOCK };
  files = { root: real.root, trust: real.trust, verify: () => Promise.resolve(verified) };
  return () => domain[Symbol.dispose]();
});
// Time is virtual once the models are loaded.
afterEach(() => vi.useRealTimers());

async function serving(mind: EngineScript) {
  const mesh = await harness(llm, {
    engines: { mind, 'spare-mind': says(WHOLE) },
    models: files,
    state: { lockDigest: LOCK },
  });
  await mesh.start();
  await expect.poll(() => mesh.engines.running.has('mind'), PATIENCE).toBe(true);
  return mesh;
}

/** The answer; time goes on until it is there. */
async function answer(mesh: Awaited<ReturnType<typeof serving>>, saidFrom: SaidFrom) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const messages = [{ role: 'user', content: 'Who are you?' }];
  const request = { messages, tier: '', maxTokens: 0, temperature: 0, seed: 0n, facts: undefined, saidFrom };
  const kinds: GenerateResponse['kind'][] = [];
  let over = false;
  const read = (async () => {
    for await (const { kind } of mesh.of(LlmServiceService).generate(request, {})) kinds.push(kind);
  })().finally(() => (over = true));
  read.catch(() => undefined);
  while (!over) await vi.advanceTimersByTimeAsync(50);
  await read;
  const text = kinds.map((kind) => (kind?.$case === 'chunk' ? kind.value.text : '')).join('');
  return { text, done: kinds.flatMap((kind) => (kind?.$case === 'done' ? [kind.value] : []))[0] };
}

describe('a language model that goes wrong in the middle of its answer', () => {
  it.each(FAULTS)('is replaced before its first sentence is complete, and one whole answer is heard: %s', async (fault) => {
    await using mesh = await serving(says('I am the', fault));
    const { text, done } = await answer(mesh, SaidFrom.SAID_FROM_FIRST_SENTENCE);
    expect([text, done?.servedBy?.model, done?.finishReason]).toEqual([WHOLE, 'spare-mind', 'stop']);
    expect(done?.servedBy?.because).toContain('mind failed');
  });

  it.each(FAULTS)('is replaced up to its end, where the caller hears nothing before that: %s', async (fault) => {
    await using mesh = await serving(says('I am. Yes I', fault));
    expect((await answer(mesh, SaidFrom.SAID_FROM_END)).text).toBe(WHOLE);
  });

  it.each(FAULTS)('leaves an answer that is marked as cut and names who began it, once it counts as said: %s', async (fault) => {
    await using mesh = await serving(says('I am. Yes I', fault));
    const { text, done } = await answer(mesh, SaidFrom.SAID_FROM_FIRST_SENTENCE);
    expect([text, done?.finishReason, done?.servedBy?.model]).toEqual(['I am. Yes I', 'cut', 'mind']);
  });

  it('is not held back for a caller who wants every token at once', async () => {
    await using mesh = await serving(says('I', 'crash'));
    expect((await answer(mesh, SaidFrom.SAID_FROM_UNSPECIFIED)).text).toBe('I');
  });
});
