import { readFileSync, writeFileSync } from 'node:fs';
import type { SynthesizeResponse } from '@smartlite/contracts';
import { ALICE, DEFAULT_MODELS, enginePid, type ScriptStep, statusPublisher, testFleet } from '@smartlite/testkit';
import type { Pack } from '@smartlite/trust';
import { expect, it } from 'vitest';

const PATIENCE = { timeout: 120_000, interval: 250 };
const frame: ScriptStep = { chunk: { pcm: { $tone: { ms: 100, hz: 440, rateHz: 16_000 } }, rateHz: 16_000 } };
/** As many frames as tell which sounds were asked for. */
const MODELS = DEFAULT_MODELS.map((model) =>
  model.id !== 'mouth'
    ? model
    : {
        ...model,
        script: {
          format: 'smartlite-script/1' as const,
          rules: [
            { when: '"sound":"æ"', steps: [frame, frame, frame] },
            { when: '"sound":"ɑ"', steps: [frame, frame] },
            { steps: [frame] },
          ],
        },
      },
);

it('a lexicon in a newly signed pack is spoken by the running engines once its lock is in force, and no call is refused meanwhile', async () => {
  await using fleet = await testFleet({ models: MODELS });
  const { domain } = fleet;
  const publisher = await statusPublisher(fleet.server.url, domain);
  fleet.defer(() => publisher[Symbol.asyncDispose]());
  const tts = await fleet.start('tts', 'tts-1');
  const framesOf = async (text: string) => {
    const all: SynthesizeResponse[] = [];
    for await (const each of fleet.peers.tts.synthesize({ text, voice: '', rate: 0 }, { caller: ALICE })) all.push(each);
    return all.filter(({ kind }) => kind?.$case === 'frame').length;
  };
  await expect.poll(() => framesOf('Ask Qdrant.').catch(() => 'not yet'), PATIENCE).toBe(1);
  const engine = enginePid(tts, 'mouth');
  for (const [ipa, frames] of [
    ['ˈkwɑdɹənt', 2],
    ['ˈkjudɹænt', 3],
  ] as const) {
    const pack = JSON.parse(readFileSync(domain.files.pack, 'utf8')) as Pack;
    const lexicon = { pronunciations: [{ term: 'Qdrant', ipa }], domain_terms: [] };
    writeFileSync(domain.files.pack, JSON.stringify({ ...pack, lexicon }));
    await domain.sign();
    publisher.become('normal');
    // A call that is refused ends the test: a poll would only ask again.
    const heard: (number | Error)[] = [];
    const ask = () =>
      framesOf('Ask Qdrant.').then(
        (count) => heard.push(count),
        (caught: Error) => heard.push(caught),
      );
    await expect.poll(async () => (await ask(), heard.at(-1)), PATIENCE).toBe(frames);
    expect(heard.filter((each) => typeof each !== 'number')).toEqual([]);
  }
  expect(enginePid(tts, 'mouth')).toBe(engine);
});
