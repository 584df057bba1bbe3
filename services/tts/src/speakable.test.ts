import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { speakable, TEXT_CHARACTERS_MAX } from './speakable.ts';

describe('a text that can be spoken', () => {
  it('stays as it is when it is plain', () => {
    expect(speakable('It is 21:30, the 3rd of May.')).toBe('It is 21:30, the 3rd of May.');
  });

  it('loses accents, typographic signs and emoji', () => {
    expect(speakable('“Café” – it’s naïve… 🙂 Łódź')).toBe('"Cafe" , it\'s naive... Lodz');
  });

  it('has common signs read out', () => {
    expect(speakable('20° & 5 < 7')).toBe('20 degrees and 5 less than 7');
  });

  it('can never be markup for a synthesiser', () => {
    expect(speakable('<speak>&lt;break/&gt;</speak>')).not.toMatch(/[<>&]/);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        try {
          expect(speakable(text)).toMatch(/^[ !-%'-;=?-~]+$/);
        } catch (caught) {
          expect(caught).toMatchObject({ code: 'invalid-argument' });
        }
      }),
    );
  });
});

describe('a text that cannot be spoken', () => {
  it('is refused when it has no word', () => {
    for (const text of ['', '  \n', '...', '🙂🙂']) expect(() => speakable(text)).toThrow(/nothing to speak/);
  });

  it('is refused with the place of the first letter of another script, without repeating the text', () => {
    expect(() => speakable('ok 漢字')).toThrow(
      'text: character 4 (U+6F22) is of a script that the voices cannot speak; send Latin letters',
    );
  });

  it('is refused beyond the most characters', () => {
    expect(() => speakable('a '.repeat(TEXT_CHARACTERS_MAX))).toThrow(expect.objectContaining({ code: 'payload-too-large' }));
  });

  it('is refused with a word that would be spelled for minutes', () => {
    expect(() => speakable(`say ${'x'.repeat(101)}`)).toThrow(/more than 100 characters/);
  });
});
