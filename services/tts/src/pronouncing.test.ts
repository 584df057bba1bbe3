import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LexiconInForce } from './pronouncing.ts';

const PRONUNCIATIONS = [
  { term: 'Qdrant', ipa: 'ˈkwɑdɹənt' },
  { term: 'nginx', ipa: 'ˌɛndʒɪnˈɛks' },
  { term: 'Zoë', ipa: 'ˈzoʊi' },
  { term: 'US', ipa: 'juˈɛs' },
  { term: 'Visual Studio', ipa: 'ˈvɪʒuəl ˈstudioʊ' },
  { term: 'Visual', ipa: 'ˈvɪʒuəl' },
  { term: '東京', ipa: 'ˈtoʊkjoʊ' },
];
const pronouncing = new LexiconInForce().of({ lexicon: { pronunciations: PRONUNCIATIONS, domain_terms: ['Kafka'] } });
/** Each term found, with its sounds after the colon. */
const found = (text: string) =>
  pronouncing
    .find(text)
    .map(({ from, to, phonemes }) => `${text.slice(from, to)}: ${phonemes.map(({ sound }) => sound).join(' ')}`);

describe('a text with terms of the lexicon', () => {
  it('has them found as whole words, whatever their case', () => {
    expect(found('Ask qdrant, or Nginx.')).toEqual(['qdrant: k w ɑ d ɹ ə n t', 'Nginx: ɛ n dʒ ɪ n ɛ k s']);
    expect(found('Qdrants, nginx2 and xnginx')).toEqual([]);
  });

  it('has a possessive spoken with its ending', () => {
    expect(found("nginx's and Zoe's and Qdrant's")).toEqual([
      "nginx's: ɛ n dʒ ɪ n ɛ k s ɪ z",
      "Zoe's: z oʊ i z",
      "Qdrant's: k w ɑ d ɹ ə n t s",
    ]);
  });

  it('has a term with an accent found as it will be spoken, without', () => {
    expect(found('Call Zoe')).toEqual(['Zoe: z oʊ i']);
  });

  it('has an abbreviation found in capitals alone', () => {
    expect(found('Between us and the US')).toEqual(['US: j u ɛ s']);
  });

  it('has the longest term at a place', () => {
    expect(found('Visual Studio')).toHaveLength(1);
    expect(found('visual effects')).toEqual(['visual: v ɪ ʒ u ə l']);
  });

  it('has stretches in order and apart from each other, whatever the text', () => {
    const word = fc.constantFrom('Qdrant', 'nginx', 'Visual', 'Studio', ' ', "'s", '.', 'x', '[[', '東京', 'Zoe');
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), (words) => {
        const text = words.join('');
        let at = 0;
        for (const { from, to, phonemes } of pronouncing.find(text)) {
          expect([from >= at, to > from, to <= text.length, phonemes.length > 0]).toEqual([true, true, true, true]);
          at = to;
        }
      }),
    );
  });
});

describe('a new lexicon', () => {
  it('is spoken from the next text on', () => {
    const inForce = new LexiconInForce();
    const packs = ['ˈkwɑdɹənt', 'ˈkjudɹænt'].map((ipa) => ({
      lexicon: { pronunciations: [{ term: 'Qdrant', ipa }], domain_terms: [] },
    }));
    const spoken = packs.map((pack) =>
      inForce
        .of(pack)
        .find('Qdrant')[0]
        ?.phonemes.map(({ sound }) => sound)
        .join(' '),
    );
    expect(spoken).toEqual(['k w ɑ d ɹ ə n t', 'k j u d ɹ æ n t']);
  });
});
