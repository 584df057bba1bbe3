import { type GenerateResponse, SaidFrom } from '@smartlite/contracts';
import {
  ALICE,
  DEFAULT_MODELS,
  enginePid,
  type ScriptStep,
  type ServiceProcess,
  statusPublisher,
  type TestFleet,
  testFleet,
} from '@smartlite/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PATIENCE = { timeout: 60_000 };
const prompt: ScriptStep = { chunk: { kind: 'prompt', tokens: 7 } };
const word = (text: string): ScriptStep => ({ chunk: { kind: 'token', text, tokens: 1, logProb: null } });
const words: readonly ScriptStep[] = [word('Well.'), { chunk: { kind: 'end', reason: 'stop' } }];
const MODELS = DEFAULT_MODELS.map((model) =>
  model.id !== 'mind'
    ? model
    : {
        ...model,
        script: {
          format: 'smartlite-script/1' as const,
          rules: [
            { when: '"kind":"count', steps: [{ chunk: { kind: 'count', tokens: 7 } }] },
            { when: 'stall', steps: [prompt, word('Well'), { hold: 'never' }] },
            { when: 'crash', steps: [prompt, word('Well'), { exit: 3 }] },
            { when: 'garbage', steps: [prompt, word('Well'), { chunk: { noise: true } }] },
            { steps: [prompt, ...words] },
          ],
        },
      },
);

let fleet: TestFleet;
let llm: ServiceProcess;
beforeAll(async () => {
  fleet = await testFleet({ models: MODELS });
  const publisher = await statusPublisher(fleet.server.url, fleet.domain);
  fleet.defer(() => publisher[Symbol.asyncDispose]());
  llm = await fleet.start('llm', 'llm-1');
});
afterAll(() => fleet[Symbol.asyncDispose]());

/** As a turn does it: the prompt is counted first. */
async function answered(content: string) {
  const messages = [{ role: 'user', content }];
  await fleet.peers.llm.countTokens({ messages, tier: '' }, { caller: ALICE });
  const request = {
    messages,
    tier: '',
    maxTokens: 0,
    temperature: 0,
    seed: 0n,
    facts: undefined,
    saidFrom: SaidFrom.SAID_FROM_FIRST_SENTENCE,
  };
  const all: GenerateResponse[] = [];
  for await (const each of fleet.peers.llm.generate(request, { caller: ALICE })) all.push(each);
  const last = all.at(-1)?.kind;
  const text = all.map(({ kind }) => (kind?.$case === 'chunk' ? kind.value.text : '')).join('');
  return { text, by: last?.$case === 'done' ? last.value.servedBy : undefined };
}
/** Until the primary answers: it is loaded, and its breaker, if it was open, was closed by probes. */
const primaryAnswers = () => expect.poll(async () => (await answered('Hello.')).by?.model, PATIENCE).toBe('mind');

describe('a language model that goes wrong before its first sentence is said, as a real process', () => {
  for (const [fault, reason] of [
    ['stall', 'no sign of life'],
    ['crash', 'has ended'],
    ['garbage', 'no piece of an answer'],
  ] as const) {
    it(`is replaced, and one whole answer is heard: ${fault}`, async () => {
      await primaryAnswers();
      const { text, by } = await answered(`A ${fault}.`);
      expect([text, by?.model]).toEqual(['I can only say hello.', 'spare-mind']);
      expect(by?.because).toContain(reason);
    });
  }

  for (const signal of ['SIGSTOP', 'SIGKILL'] as const) {
    it(`is replaced, also while the prompt is counted, and comes back when it is well: ${signal}`, async () => {
      await primaryAnswers();
      const pid = enginePid(llm, 'mind');
      process.kill(pid, signal);
      expect((await answered('Hello.')).by?.model).toBe('spare-mind');
      await expect.poll(() => enginePid(llm, 'mind'), PATIENCE).not.toBe(pid);
      await primaryAnswers();
    });
  }
});
