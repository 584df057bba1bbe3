import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Spelling, SpellingInForce } from './spelling.ts';

const LEXICON = {
  pronunciations: [
    { term: 'SmartLite', ipa: 'ˈsmɑɹtˌlaɪt' },
    { term: 'Qdrant', ipa: 'ˈkwɑdɹənt' },
    { term: 'nginx', ipa: 'ˌɛndʒɪnˈɛks' },
    { term: 'Siobhan', ipa: 'ʃɪˈvɔːn' },
    { term: 'Nguyen', ipa: 'wɪn' },
  ],
  domain_terms: ['Visual Studio', 'Kafka', 'NATS', 'AIDS', 'Go', 'Zoë Müller'],
};
const spelling = new SpellingInForce().of({ lexicon: LEXICON });
const write = (text: string) => spelling.write(text);

describe('what a recogniser has written of a term', () => {
  it.each([
    // As Moonshine heard them, spoken by Flite and eSpeak.
    ['Store it in quadrant, please.', 'Store it in Qdrant, please.'],
    ['Stored in Engin-ex, please.', 'Stored in nginx, please.'],
    ['What is engine x?', 'What is nginx?'],
    ['What is Enjin X?', 'What is nginx?'],
    ['What is angenecks?', 'What is nginx?'],
    ['I ask Chivan about the report.', 'I ask Siobhan about the report.'],
    ['The server runs Shavon now.', 'The server runs Siobhan now.'],
    ['I asked Smartlight about the report.', 'I asked SmartLite about the report.'],
    ['What a smart light!', 'What a SmartLite!'],
  ])('by its sound is written as the lexicon spells it: %s', (heard, written) => {
    expect(write(heard)).toBe(written);
  });

  it('by its letters, whatever their case, blanks, hyphens or accents, is written so, too', () => {
    expect(write('QDRANT and visual-studio, or KAFKA’s; N.G.I.N.X. by Zoe Muller')).toBe(
      'Qdrant and Visual Studio, or Kafka’s; nginx. by Zoë Müller',
    );
  });

  it('keeps what stands around it', () => {
    expect(write('  (quadrant’s)\n"engine x"—')).toBe('  (Qdrant’s)\n"nginx"—');
  });
});

describe('other words', () => {
  it('that differ in a consonant or a syllable are left alone', () => {
    for (const text of ['chiffon', 'quadrants', 'smart lighter', 'smart-like', 'engine next', 'engines', 'Shivani', 'quadrant2'])
      expect(write(text)).toBe(text);
  });

  it('are not taken for a term across a comma or the end of a sentence', () => {
    for (const text of ['an engine, X', 'He is smart. Light it.', 'smart, light']) expect(write(text)).toBe(text);
  });

  it('are not taken for a term of few sounds or letters, or for an abbreviation', () => {
    for (const text of ['when we win', 'go on', 'hearing aids', 'gnats']) expect(write(text)).toBe(text);
    expect(write('NATS and n a t s')).toBe('NATS and NATS');
  });

  it('are left alone in every question that the language model is judged by, and in the transcripts of the clips', () => {
    const texts = [
      'ops/models/nano/evaluation/heldout.tsv',
      'ops/models/nano/evaluation/calibration.tsv',
      'test/speech/transcripts.tsv',
    ]
      .map((file) => readFileSync(new URL(`../../../../${file}`, import.meta.url), 'utf8'))
      .flatMap((text) => text.split('\n'));
    expect(texts.length).toBeGreaterThan(300);
    expect(texts.filter((text) => write(text) !== text && !/smart ?lite/i.test(text))).toEqual([]);
  });

  it('are left alone where there is no lexicon, whatever the text', () => {
    expect(new Spelling([]).write('engine x, “quadrant”')).toBe('engine x, “quadrant”');
  });
});

describe('a lexicon of ten thousand terms', () => {
  /** Names of three to five syllables. */
  const syllables = [
    ['ba', 'bɑ'],
    ['ko', 'koʊ'],
    ['den', 'dɛn'],
    ['lif', 'lɪf'],
    ['mas', 'mæs'],
    ['tu', 'tu'],
    ['ran', 'ɹæn'],
    ['vil', 'vɪl'],
    ['sen', 'sɛn'],
    ['gor', 'ɡɔɹ'],
  ] as const;
  const many = Array.from({ length: 10_000 }, (_, number) => {
    const parts = Array.from(String(number).padStart(4, '0'), (digit) => syllables[Number(digit)] ?? syllables[0]);
    return {
      term: parts
        .map(([written]) => written)
        .join('')
        .toUpperCase(),
      ipa: parts.map(([, ipa]) => ipa).join(''),
    };
  });
  const inForce = new SpellingInForce().of({ lexicon: { pronunciations: many, domain_terms: [] } });

  it('is looked through as a few are: terms are found by their sound, and a minute of other words stays', () => {
    expect(inForce.write('Ask bakko denlyff, please.')).toBe('Ask BAKODENLIF, please.');
    const minute = 'we could see that every morning the boats were leaving before the market had been opened again '.repeat(10);
    expect(inForce.write(minute)).toBe(minute);
  });
});

describe('a new lexicon', () => {
  it('is written from the next text on', () => {
    const inForce = new SpellingInForce();
    const heard = (term: string) =>
      inForce.of({ lexicon: { pronunciations: [{ term, ipa: 'ˈkwɑdɹənt' }], domain_terms: [] } }).write('a quadrant');
    expect([heard('Qdrant'), heard('Kwadrant')]).toEqual(['a Qdrant', 'a Kwadrant']);
  });
});
