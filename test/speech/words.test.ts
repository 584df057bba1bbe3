import { describe, expect, it } from 'vitest';
import { comparableWords, wordErrors } from './words.ts';

describe('comparable words', () => {
  it('have no case, no punctuation and no hyphens', () => {
    expect(comparableWords('Ill-disposed, "young" man!')).toEqual(['ill', 'disposed', 'young', 'man']);
  });

  it('spell titles and numbers out', () => {
    expect(comparableWords('Mr. Smith: 10, 42, 305 and 2001')).toEqual(
      'mister smith ten forty two three hundred five and two thousand one'.split(' '),
    );
  });

  it('are none in an empty text', () => {
    expect(comparableWords(' ... ')).toEqual([]);
  });
});

describe('word errors', () => {
  it('are none for the same words', () => {
    expect(wordErrors('go forward ten meters', 'Go forward 10 meters.')).toBe(0);
  });

  it('count each replaced, missing and added word once', () => {
    expect(wordErrors('go forward ten meters', 'go forward ten metres')).toBe(1);
    expect(wordErrors('go forward ten meters', 'go ten meters')).toBe(1);
    expect(wordErrors('go forward ten meters', 'oh go forward ten meters')).toBe(1);
    expect(wordErrors('seven of clubs', '')).toBe(3);
  });
});
