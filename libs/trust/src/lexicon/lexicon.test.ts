import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readIpa } from './ipa.ts';
import { lexiconSchema, lexiconTerms } from './lexicon.ts';
import { SPELLINGS } from './sounds.ts';

/** Sounds with the degree of stress after each vowel, as in `s m ɑ1 ɹ t l aɪ2 t`. */
function sounds(ipa: string): string {
  const reading = readIpa(ipa);
  if (reading.kind === 'unreadable') return `${reading.position}: ${reading.problem}`;
  return reading.phonemes.map((each) => (each.kind === 'vowel' ? `${each.sound}${each.stress}` : each.sound)).join(' ');
}

describe('a pronunciation in IPA', () => {
  it('is read sound by sound, stress before its syllable', () => {
    expect(sounds('ˈsmɑɹtˌlaɪt')).toBe('s m ɑ1 ɹ t l aɪ2 t');
    expect(sounds('ˌɛndʒɪnˈɛks')).toBe('ɛ2 n dʒ ɪ0 n ɛ1 k s');
  });

  it('may be written with tie bars, length, dots, slashes, and the usual letters for r and g', () => {
    expect(sounds('/ˈt͡ʃiːz.bɝːɡɚ/')).toBe('tʃ i1 z b ɝ0 ɡ ɝ0');
    expect(sounds("'gred")).toBe('ɡ ɹ ɛ1 d');
    expect(sounds('ˈbʌtn̩')).toBe('b ʌ1 t ə0 n');
  });

  it('has its stress on the first syllable where none is marked', () => {
    expect(sounds('kwɑdɹənt')).toBe('k w ɑ1 d ɹ ə0 n t');
  });

  it('is refused with the place of the first sign that no voice can speak', () => {
    expect(sounds('kwɑ!dɹənt')).toBe('4: "!" (U+0021) is no sign of the IPA that an English voice can speak');
    expect(sounds('ǃkʷɑ')).toMatch(/^1: "ǃ" \(U\+01C3\)/);
  });

  it('is refused where stress has no syllable or there is no vowel', () => {
    expect(sounds('ˈˌɑ')).toBe('2: two stress marks stand before one syllable');
    expect(sounds('kɑˈt')).toBe('3: no vowel follows this stress mark');
    expect(sounds('pst')).toBe('1: there is no vowel in it');
    expect(sounds('')).toBe('1: there is no vowel in it');
    expect(sounds('\u0329ɑ')).toBe('1: the syllabic mark belongs under a consonant');
    expect(sounds('ɑ'.repeat(61))).toBe('61: a pronunciation has at most 60 sounds');
  });

  it('never throws, and is never longer than what was written allows', () => {
    const sign = fc.oneof(fc.constantFrom(...SPELLINGS.keys(), 'ˈ', 'ˌ', '\u0329', '.', '͡'), fc.string({ maxLength: 1 }));
    fc.assert(
      fc.property(fc.array(sign, { maxLength: 40 }), (signs) => {
        const ipa = signs.join('');
        const reading = readIpa(ipa);
        if (reading.kind === 'read') expect(reading.phonemes.length).toBeLessThanOrEqual(2 * Array.from(ipa).length);
        else expect(reading.position).toBeLessThanOrEqual(Math.max(1, Array.from(ipa).length));
      }),
    );
  });
});

describe('a lexicon', () => {
  it('that has a bad pronunciation is refused with entry, position and reason', () => {
    const parsed = lexiconSchema.safeParse({
      pronunciations: [
        { term: 'nginx', ipa: 'ˌɛndʒɪnˈɛks' },
        { term: 'Qdrant', ipa: 'ˈkwɑdɹ?nt' },
      ],
      domain_terms: [],
    });
    expect(parsed.error?.issues[0]?.path).toEqual(['pronunciations', 1, 'ipa']);
    expect(parsed.error?.issues[0]?.message).toBe(
      'pronunciation of "Qdrant", character 7: "?" (U+003F) is no sign of the IPA that an English voice can speak',
    );
  });

  it('holds names, never markup or phoneme brackets', () => {
    const terms = (term: string) => lexiconSchema.safeParse({ pronunciations: [], domain_terms: [term] }).success;
    for (const good of ['Qdrant', 'Visual Studio', 'C++', 'C#', 'O’Neill', 'Zoë', 'node.js', '3M'])
      expect(terms(good)).toBe(true);
    for (const bad of ['', ' x', '<b>', '[[x]]', 'a&b', 'a\nb', '"', '-h']) expect(terms(bad)).toBe(false);
  });

  it('gives each term once, with its sounds where it has a pronunciation', () => {
    const terms = lexiconTerms({ pronunciations: [{ term: 'Eve', ipa: 'iv' }], domain_terms: ['Eve', 'Kafka'] });
    expect(terms.map(({ term, phonemes }) => [term, phonemes.length])).toEqual([
      ['Eve', 2],
      ['Kafka', 0],
    ]);
  });
});
