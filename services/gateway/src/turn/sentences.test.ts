import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SentenceCutter } from './sentences.ts';

function cut(...pieces: string[]): string[] {
  const cutter = new SentenceCutter();
  return [...pieces.flatMap((piece) => cutter.push(piece)), ...cutter.end()].map((sentence) => sentence.trim());
}

describe('an answer that comes token by token', () => {
  it('gives a sentence as soon as the next one begins', () => {
    const cutter = new SentenceCutter();
    expect(cutter.push('It is three')).toEqual([]);
    expect(cutter.push(" o'clock. Shall")).toEqual(["It is three o'clock. "]);
  });

  it.each([
    ['Mr. Dashwood had 3.5 acres. He was glad!', ['Mr. Dashwood had 3.5 acres.', 'He was glad!']],
    ['Use a fruit, e.g. an apple. Or not?', ['Use a fruit, e.g. an apple.', 'Or not?']],
    ['J. F. Kennedy spoke. We heard.', ['J. F. Kennedy spoke.', 'We heard.']],
    ['He said "Stop." Then silence...', ['He said "Stop."', 'Then silence...']],
    ['One line\nAnother line', ['One line', 'Another line']],
  ])('cuts %j at its sentences alone', (text, sentences) => {
    expect(cut(text)).toEqual(sentences);
    expect(cut(...text)).toEqual(sentences);
  });

  it('does not wait for the end of a sentence that does not end', () => {
    const sentences = cut('word '.repeat(200));
    expect(sentences.length).toBeGreaterThan(3);
    expect(Math.max(...sentences.map((sentence) => sentence.length))).toBeLessThanOrEqual(240);
  });

  it.each(['x', '1', '\u{20000}'])('is not spelled where a word does not end: %s', (letter) => {
    const pieces = cut(letter.repeat(600));
    expect(pieces.join('')).toBe(letter.repeat(600));
    expect(pieces.length).toBeLessThan(7);
    expect(pieces.every((piece) => piece.isWellFormed())).toBe(true);
  });

  it('loses no letter, however it is cut into tokens', () => {
    const bare = (text: string) => text.replace(/[^\p{L}\p{N}]/gu, '');
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom('. ', '? ', 'Mr. ', '3.5 ', 'Hello', ', ')), { maxLength: 40 }),
        (pieces) => {
          expect(bare(cut(...pieces).join(''))).toBe(bare(pieces.join('')));
        },
      ),
    );
  });
});
