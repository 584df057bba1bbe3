import { readFileSync, writeFileSync } from 'node:fs';
import type { SynthesizeResponse } from '@smartlite/contracts';
import { ALICE, DEFAULT_MODELS, type ScriptStep, statusPublisher, testFleet } from '@smartlite/testkit';
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

it('a lexicon in a newly signed pack is spoken by the running process once its lock is in force', async () => {
  await using fleet = await testFleet({ models: MODELS });
  const { domain } = fleet;
  const publisher = await statusPublisher(fleet.server.url, domain);
  fleet.defer(() => publisher[Symbol.asyncDispose]());
  const { pid } = await fleet.start('tts', 'tts-1');
  const framesOf = async (text: string) => {
    const all: SynthesizeResponse[] = [];
    try {
      for await (const each of fleet.peers.tts.synthesize({ text, voice: '', rate: 0 }, { caller: ALICE })) all.push(each);
    } catch {
      return 'not now';
    }
    return all.filter(({ kind }) => kind?.$case === 'frame').length;
  };
  await expect.poll(() => framesOf('Ask Qdrant.'), PATIENCE).toBe(1);
  for (const [ipa, frames] of [
    ['ˈkwɑdɹənt', 2],
    ['ˈkjudɹænt', 3],
  ] as const) {
    const pack = JSON.parse(readFileSync(domain.files.pack, 'utf8')) as Pack;
    const lexicon = { pronunciations: [{ term: 'Qdrant', ipa }], domain_terms: [] };
    writeFileSync(domain.files.pack, JSON.stringify({ ...pack, lexicon }));
    await domain.sign();
    publisher.become('normal');
    await expect.poll(() => framesOf('Ask Qdrant.'), PATIENCE).toBe(frames);
  }
  expect(() => process.kill(pid, 0)).not.toThrow();
});
