import type { SynthesizeResponse } from '@smartlite/contracts';
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
const frame: ScriptStep = { chunk: { pcm: { $tone: { ms: 100, hz: 440, rateHz: 16_000 } }, rateHz: 16_000 } };
const MODELS = DEFAULT_MODELS.map((model) =>
  model.id !== 'mouth'
    ? model
    : {
        ...model,
        script: {
          format: 'smartlite-script/1' as const,
          rules: [
            { when: 'stall', steps: [frame, { hold: 'never' }] },
            { when: 'hang', steps: [{ hold: 'never' }] },
            { when: 'crash', steps: [frame, { exit: 3 }] },
            { when: 'garbage', steps: [{ chunk: { pcm: 'noise', rateHz: 16_000 } }] },
            { when: 'nothing', steps: [] },
            { steps: [frame, frame, frame] },
          ],
        },
      },
);

let fleet: TestFleet;
let tts: ServiceProcess;
beforeAll(async () => {
  fleet = await testFleet({ models: MODELS });
  const publisher = await statusPublisher(fleet.server.url, fleet.domain);
  fleet.defer(() => publisher[Symbol.asyncDispose]());
  tts = await fleet.start('tts', 'tts-1');
});
afterAll(() => fleet[Symbol.asyncDispose]());

async function spoken(text: string) {
  const all: SynthesizeResponse[] = [];
  for await (const each of fleet.peers.tts.synthesize({ text, voice: '', rate: 0 }, { caller: ALICE })) all.push(each);
  const last = all.at(-1)?.kind;
  const frames = all.filter(({ kind }) => kind?.$case === 'frame').length;
  return { frames, by: last?.$case === 'done' ? last.value.servedBy : undefined };
}
/** Until the primary speaks: it is loaded, and its breaker, if it was open, was closed by probes. */
const primarySpeaks = () => expect.poll(async () => (await spoken('Hello.')).by?.model, PATIENCE).toBe('mouth');

describe('a speaker that goes wrong, as a real process', () => {
  for (const [fault, reason] of [
    ['stall', 'no sign of life'],
    ['hang', 'no sign of life'],
    ['crash', 'has ended'],
    ['garbage', 'no audio'],
    ['nothing', 'no audio'],
  ] as const) {
    it(`is replaced, and the sentence is heard once and whole: ${fault}`, async () => {
      await primarySpeaks();
      const { frames, by } = await spoken(`A ${fault}.`);
      expect([frames, by?.model]).toEqual([3, 'spare-mouth']);
      expect(by?.because).toContain(reason);
    });
  }

  for (const signal of ['SIGSTOP', 'SIGKILL'] as const) {
    it(`is replaced, and comes back when it is well: ${signal}`, async () => {
      await primarySpeaks();
      const pid = enginePid(tts, 'mouth');
      process.kill(pid, signal);
      const { frames, by } = await spoken('Hello.');
      expect([frames, by?.model]).toEqual([3, 'spare-mouth']);
      // A stopped process is ended in its time; another one takes its place.
      await expect.poll(() => enginePid(tts, 'mouth'), PATIENCE).not.toBe(pid);
      await primarySpeaks();
    });
  }
});
