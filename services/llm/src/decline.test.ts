import { describe, expect, it } from 'vitest';
import { argumentsInQuestion, decline, unknownShare } from './decline.ts';

const thresholds = { unknownShareMax: 0.6, meanLogProbMin: -0.5 };
const known = new Set(['time', 'spell', 'timer', 'convert']);
const judge = (question: string, meanLogProb: number | undefined = -0.01, answer = '') =>
  decline({ words: question.split(' ').filter((word) => word !== ''), known, meanLogProb, answer }, thresholds);

describe('a question of the domain', () => {
  it('is answered when its words are known and the model is sure', () => {
    expect(judge('what time is it')).toEqual({ kind: 'answer' });
  });

  it('is answered when its unknown word is what the answer copies', () => {
    expect(judge('spell xylophone', -0.05, '<spell xylophone>')).toEqual({ kind: 'answer' });
  });

  it('is answered on its words alone where the engine gives no probabilities', () => {
    expect(decline({ words: ['what', 'time'], known, meanLogProb: undefined }, thresholds)).toEqual({ kind: 'answer' });
  });
});

describe('a question from outside', () => {
  it('is declined for its unknown words, however sure the model is', () => {
    expect(judge('who won the football match', 0)).toEqual({ kind: 'decline', because: 'too many unknown words' });
  });

  it('is declined for the doubt of the model, however familiar the words', () => {
    expect(judge('what time', -0.6)).toEqual({ kind: 'decline', because: 'the model is unsure' });
  });

  it('is declined when a little of both comes together', () => {
    expect(judge('spell time timer penguin', -0.1)).toEqual({ kind: 'answer' });
    expect(judge('spell time timer penguin', -0.4)).toMatchObject({ kind: 'decline' });
  });

  it('is declined when it is empty or endless', () => {
    expect(judge('')).toEqual({ kind: 'decline', because: 'nothing was asked' });
    expect(judge('time '.repeat(10_000))).toEqual({ kind: 'decline', because: 'the question is too long' });
  });
});

describe('the share of unknown words', () => {
  it('counts neither function words nor numbers', () => {
    expect(unknownShare({ words: ['what', 'is', 'the', '12', '-3.5'], known })).toBe(0);
    expect(unknownShare({ words: ['convert', 'the', 'zloty'], known })).toBe(0.5);
  });
});

describe('the arguments of a call', () => {
  it.each([
    ['<calc 12 + 30>', 'what is 12 plus 30'],
    ['<calc 42 - 5>', 'what is 40 plus 2 42 -5'],
    ['<unit 6 foot centimeter>', 'how many centimeters are 6 feet'],
    ['<timer set 5 minute>', 'set a timer for 5 minutes'],
    ['<timer cancel>', 'stop it'],
    ['<choose red shirt | blue shirt>', 'the red shirt or the blue shirt'],
    ['<count 1 10>', 'count to 10'],
    ['<calc 7 * 7>', 'what is 7 squared'],
    ['<calc 7 * 7>', '7 times 7'],
    ['<calc 40 / 8>', 'how many 8s are in 40'],
    ['<unit 98.6 fahrenheit celsius>', 'from fahrenheit to celsius 98.6'],
    ['<time>', 'what time is it'],
    ['Good morning!', 'hello'],
  ])('%s may be taken from "%s"', (call, said) => {
    expect(argumentsInQuestion(call, said)).toBe(true);
  });

  it.each([
    ['<calc 12 + 31>', 'what is 12 plus 30'],
    ['<unit 6 foot meter>', 'how many centimeters are 6 feet'],
    ['<calc 64 - 64>', 'if i take 19 off 64 what is left'],
    ['<unit 5 kilometer mile>', '5 miles how many kilometers is that'],
    ['<unit 5 mile mile>', 'what is 5 miles'],
    ['<timer set 5 second>', 'in 5 minutes wait a second'],
    ['<timer set 50 minute>', 'set a timer for 5 minutes'],
    ['<spell banana>', 'spell the word bandana'],
    ['<date tomorrow>', 'what day is it'],
    ['<constructor evil>', 'hello'],
  ])('%s may not be taken from "%s"', (call, said) => {
    expect(argumentsInQuestion(call, said)).toBe(false);
  });
});
