import { describe, expect, it } from 'vitest';
import { chooseToken, logProbability } from './greedy.ts';
import { Vocabulary } from './vocabulary.ts';

const vocabulary = new Vocabulary(
  new TextEncoder().encode(['<unk>', '<s>', '</s>', '<0xC3>', '<0xA9>', '▁go', '▁for', 'ward', '<0x0A>'].join('\n')),
);

describe('the text of tokens', () => {
  it('is their pieces with spaces, trimmed, without begin and end', () => {
    expect(vocabulary.text([1, 5, 6, 7, 2])).toBe('go forward');
  });

  it('puts byte tokens together to characters', () => {
    expect(vocabulary.text([5, 3, 4])).toBe('goé');
  });

  it('refuses an id that is not in the vocabulary', () => {
    expect(() => vocabulary.text([9])).toThrow('token 9 is not in the vocabulary of 9');
  });
});

describe('the tokens of a text', () => {
  const pieces = ['<unk>', '<s>', '</s>', '<0xC3>', '<0xA9>', '▁g', 'oo', '▁go', 'od', '▁', 'g', 'o', 'd'];
  const cut = new Vocabulary(new TextEncoder().encode(pieces.join('\n')));
  const piecesOf = (text: string) => cut.ids(text).map((id) => pieces[id]);

  it('are joined in the order in which pieces were learned, not the longest first', () => {
    expect(piecesOf('good')).toEqual(['▁g', 'oo', 'd']);
    expect(piecesOf('go god')).toEqual(['▁go', '▁go', 'd']);
  });

  it('are bytes where there is no piece', () => {
    expect(piecesOf('é')).toEqual(['▁', '<0xC3>', '<0xA9>']);
    expect(() => cut.ids('z')).toThrow('no token for "z"');
  });

  it('are what their text was made of', () => {
    expect(cut.text(cut.ids('go good é'))).toBe('go good é');
  });
});

it('a file that is no vocabulary is refused', () => {
  expect(() => new Vocabulary(new TextEncoder().encode('a\nb\nc'))).toThrow(/lines 2 and 3/);
});

describe('the chosen token', () => {
  it('is the likeliest, with its probability', () => {
    const { id, probability } = chooseToken(Float32Array.of(0, Math.log(2), 0), 3);
    expect(id).toBe(1);
    expect(probability).toBeCloseTo(0.5, 5);
  });

  it('has the logarithm of its probability in whichever step of several', () => {
    const logits = Float32Array.of(9, 9, 0, Math.log(2), 0, 99);
    expect(logProbability(logits, { from: 2, vocabularySize: 3 }, 1)).toBeCloseTo(Math.log(0.5), 5);
  });

  it('is never one of the padding beyond the vocabulary', () => {
    expect(chooseToken(Float32Array.of(0, 1, 9), 2).id).toBe(1);
  });
});
