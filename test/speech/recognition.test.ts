import { expect, it } from 'vitest';
import { clips } from './clips.ts';
import { modelOfPack } from './artifacts.ts';
import { gathered } from './gathered.ts';
import { wordErrors } from './words.ts';
import type { Comparison, Detection, Recognition } from '../../services/asr/src/engine.ts';
import { pcmOf } from '../../services/asr/src/pcm.ts';
import { engine as moonshine } from '../../services/asr/src/engines/moonshine.ts';
import { engine as silero } from '../../services/asr/src/engines/silero.ts';

const NEVER = new AbortController().signal;

it('moonshine-tiny turns a recorded clip into its words, hears none in silence, and stops when told to', async () => {
  const { artifacts, settings } = await modelOfPack('moonshine-tiny');
  const loaded = await moonshine.load(artifacts, settings);
  const [clip] = await clips();
  const [recognition] = (await gathered(loaded.run({ pcm: clip?.pcm ?? new Uint8Array() }, NEVER))) as [Recognition];
  expect(wordErrors(clip?.transcript ?? '', recognition.text)).toBe(0);
  expect(recognition.confidence).toBeGreaterThan(0.7);
  expect(await gathered(loaded.run({ pcm: new Uint8Array(20) }, NEVER))).toMatchObject([{ text: '' }]);
  await expect(gathered(loaded.run({ pcm: new Uint8Array(32_000) }, AbortSignal.abort()))).rejects.toThrow();
  await loaded.close?.();
});

it('moonshine-tiny finds its own text as likely as it was when it was made, and other words less likely', async () => {
  const { artifacts, settings } = await modelOfPack('moonshine-tiny');
  const loaded = await moonshine.load(artifacts, settings);
  for (const { pcm } of await clips()) {
    const [{ text, likelihood = Number.NaN }] = (await gathered(loaded.run({ pcm }, NEVER))) as [Recognition];
    const texts = [text, text.replace(/^\S+/, 'Zürich')];
    const [{ likelihoods }] = (await gathered(loaded.run({ pcm, texts }, NEVER))) as [Comparison];
    // Not the same number: an 8-bit decoder rounds a text that it is given at once otherwise.
    expect(likelihoods[0]).toBeCloseTo(likelihood, 0);
    expect(likelihoods[1]).toBeLessThan(likelihood - 5);
  }
  await expect(gathered(loaded.run({ pcm: new Uint8Array(32_000), texts: ['a'] }, AbortSignal.abort()))).rejects.toThrow();
  await loaded.close?.();
});

it('silero hears speech in a recorded clip in whatever pieces it comes, and none in noise', async () => {
  const { artifacts, settings } = await modelOfPack('silero-v6');
  const loaded = await silero.load(artifacts, settings);
  const pcm = (await clips()).find(({ file }) => file === 'goforward.wav')?.pcm ?? new Uint8Array();
  const detect = async (request: Parameters<typeof loaded.run>[0]) =>
    (await gathered(loaded.run(request, NEVER)))[0] as Detection;
  const whole = await detect({ pcm });
  const first = await detect({ pcm: pcm.subarray(0, 40 * 1024) });
  const second = await detect({ pcm: pcm.subarray(40 * 1024), memory: first.memory });
  expect(whole.probabilities.filter((probability) => probability > 0.5).length).toBeGreaterThan(40);
  expect([...first.probabilities, ...second.probabilities]).toEqual([...whole.probabilities]);
  // A fixed sequence of noise: the promise must not depend on chance.
  let seed = 1;
  const noise = pcmOf(
    new Float32Array(16_000).map(() => (((seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647) * 2 - 1) * 0.05),
  );
  expect(Math.max(...(await detect({ pcm: noise })).probabilities)).toBeLessThan(0.3);
  await loaded.close?.();
});
