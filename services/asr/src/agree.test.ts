import { describe, expect, it } from 'vitest';
import { Agreement } from './agree.ts';

function stable(...hypotheses: string[]): string[] {
  const agreement = new Agreement();
  return hypotheses.map((hypothesis) => agreement.push(hypothesis));
}

describe('the stable text', () => {
  it('is empty after the first hypothesis', () => {
    expect(stable('go forward')).toEqual(['']);
  });

  it('is what two successive hypotheses begin with', () => {
    expect(stable('go for', 'go forward ten', 'go forward ten meters')).toEqual(['', 'go', 'go forward ten']);
  });

  it('agrees on words whatever their case and punctuation, in the newest spelling', () => {
    expect(stable('Seven of clubs.', 'seven of clubs, please')).toEqual(['', 'seven of clubs,']);
  });

  it('never takes words back', () => {
    expect(
      stable(
        'ask not what',
        'ask not what your',
        'task not',
        'task not what',
        'ask not what your country',
        'ask not what your country can',
      ).at(-1),
    ).toBe('ask not what your country');
    expect(stable('a b', 'a b c', '', '')).toEqual(['', 'a b', 'a b', 'a b']);
  });
});
