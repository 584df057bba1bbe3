import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LexiconInForce } from '../pronouncing.ts';
import { espeakText } from './espeak-phonemes.ts';
import { fliteText } from './flite-phones.ts';

const pronouncing = new LexiconInForce().of({
  lexicon: {
    pronunciations: [
      { term: 'Qdrant', ipa: 'ˈkwɑdɹənt' },
      { term: 'SmartLite', ipa: 'ˈsmɑɹtˌlaɪt' },
      { term: 'Visual Studio', ipa: 'ˈvɪʒuəl ˈstudioʊ' },
    ],
    domain_terms: [],
  },
});
const request = (text: string) => ({ text, pronounced: pronouncing.find(text) });

describe('what Flite is told', () => {
  it('is the plain text where there is no term', () => {
    expect(fliteText(request('-ssml is spoken'))).toEqual(['-t', '-ssml is spoken']);
  });

  it('is SSML with the phones of each term, and the punctuation that follows it', () => {
    expect(fliteText(request("Store it in Qdrant. SmartLite's fine, Visual Studio too"))).toEqual([
      '-ssml',
      '-t',
      '<speak>Store it in <phoneme ph="k w aa1 d r ax0 n t">term.</phoneme> <phoneme ph="s m aa1 r t l ay1 t s">term</phoneme> fine, <phoneme ph="v ih1 zh uw0 ax0 l s t uw1 d iy0 ow0">term</phoneme> too</speak>',
    ]);
  });
});

describe('what eSpeak is told', () => {
  it('is the text with the phonemes of each term in brackets', () => {
    expect(espeakText(request('Store it in Qdrant. SmartLite!'))).toBe(
      "Store it in [[k|w|'A:|d|r|@|n|t]]. [[s|m|'A@|t|l|,aI|t]]!",
    );
  });

  it('never has phonemes of the text, however brackets are put together', () => {
    expect(espeakText(request('[[[f3n]]] [Qdrant]'))).toBe("[ [ [f3n]]] [ [[k|w|'A:|d|r|@|n|t]] ]");
    const part = fc.constantFrom('[', '[[', ']', ']]', 'Qdrant', 'f3n', ' ');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
        const told = espeakText(request(parts.join('')));
        expect(told.replaceAll("[[k|w|'A:|d|r|@|n|t]]", '')).not.toContain('[[');
      }),
    );
  });
});
