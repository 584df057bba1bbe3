import { readFile } from 'node:fs/promises';
import { lexiconTerms, parsePack } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import { flitePhones } from '../../services/tts/src/engines/flite-phones.ts';
import { LexiconInForce } from '../../services/tts/src/pronouncing.ts';
import { engine as flite } from '../../services/tts/src/engines/flite.ts';
import { modelOfPack } from './artifacts.ts';
import { gathered } from './gathered.ts';
import { phonesOfEspeak, phonesOfFlite } from './phones.ts';
import { recogniserOfPack } from './transcription.ts';

const NEVER = new AbortController().signal;
const pack = parsePack(await readFile(new URL('../../ops/MODEL_PACK.json', import.meta.url)));
const pronouncing = new LexiconInForce().of(pack);
const terms = lexiconTerms(pack.lexicon);
const SENTENCE = `Please ask ${terms.map(({ term }) => term).join(', ')}, now.`;
const asked = (text: string) => ({ text, pronounced: pronouncing.find(text) });

describe('the lexicon of the pack', () => {
  it('has a product, a server, a name and the project itself', () => {
    expect(terms.map(({ term }) => term)).toEqual(['SmartLite', 'Qdrant', 'nginx', 'Siobhan']);
  });

  it('is what Flite says it speaks', async () => {
    const phones = terms.map(({ phonemes }) => flitePhones(phonemes).replaceAll(/[01]/g, '')).join(' ');
    expect(await phonesOfFlite(asked(SENTENCE))).toBe(`p l iy z ae s k ${phones} n aw`);
  });

  it('is needed: without it Flite says something else', async () => {
    const spoken = await phonesOfFlite({ text: SENTENCE });
    for (const { term, phonemes } of terms.filter((each) => each.term !== 'SmartLite'))
      expect(spoken, term).not.toContain(flitePhones(phonemes).replaceAll(/[01]/g, ''));
  });

  it.each(['en-us', 'en-gb'])('is what eSpeak says it speaks in %s', async (voice) => {
    const spoken = plain(await phonesOfEspeak(asked(SENTENCE), voice));
    for (const { phonemes } of terms) expect(spoken).toContain(british(phonemes.map(({ sound }) => sound).join(''), voice));
  });

  it('is written back by the recogniser that hears Flite speak it', async () => {
    const { artifacts, settings } = await modelOfPack('flite');
    const voice = await flite.load(artifacts, settings);
    const written = await recogniserOfPack();
    for (const { term } of terms) {
      const chunks = await gathered(voice.run({ ...asked(`What is ${term}?`), voice: 'slt', rate: 1 }, NEVER));
      expect(await written(Buffer.concat(chunks.map(({ pcm }) => pcm)))).toContain(term);
    }
  });
});

describe('a term that its recogniser has never read', () => {
  const lexicon = {
    pronunciations: [
      { term: 'Kubernetes', ipa: 'ˌkubɚˈnɛtiz' },
      { term: 'Nguyen', ipa: 'wɪn' },
      { term: 'Redis', ipa: 'ˈɹɛdɪs' },
    ],
    domain_terms: [],
  };
  const pronounced = new LexiconInForce().of({ lexicon });

  it('is written where it was said, and nowhere else', async () => {
    const { artifacts, settings } = await modelOfPack('flite');
    const voice = await flite.load(artifacts, settings);
    const written = await recogniserOfPack(lexicon);
    const heard = async (text: string) => {
      const request = { text, pronounced: pronounced.find(text), voice: 'slt', rate: 1 };
      return written(Buffer.concat((await gathered(voice.run(request, NEVER))).map(({ pcm }) => pcm)));
    };
    // Without a second look it is "Wynn", "red as" and "Poovernetty's".
    expect(await heard('I asked Nguyen about the report.')).toMatch(/^I asked Nguyen about the report/);
    expect(await heard('We run Redis on the new server now.')).toContain('Redis');
    expect(await heard('We run Kubernetes on the new server now.')).toContain('Kubernetes');
    expect(await heard('When will it be ready?')).toBe('When will it be ready?');
  });
});

/** The letters of IPA alone, without length, stress, tie bars and blanks, and with one sign for r. */
function plain(ipa: string): string {
  return ipa.replaceAll(/[^\p{Ll}]/gu, '').replaceAll('r', 'ɹ');
}

/** The British voice has no r before a consonant. */
function british(sounds: string, voice: string): string {
  return voice === 'en-gb' ? sounds.replace('ɑɹt', 'ɑt') : sounds;
}
