import { describe, expect, it } from 'vitest';
import { argumentsInQuestion, DECLINE_TEXT } from '../../../services/llm/src/decline.ts';
import { normalise } from '../../../services/llm/src/normalise.ts';
import { domainWords, drawExample, INSIDE } from './corpus.ts';
import { readQuestions } from './evaluation/questions.ts';
import { seededChance } from './random.ts';

const draw = (seed: number, count: number) => {
  const chance = seededChance(seed);
  return Array.from({ length: count }, () => drawExample(chance));
};
const examples = draw(11, 20_000);

describe('the corpus', () => {
  it('is the same again for the same seed', () => {
    expect(draw(3, 50)).toEqual(draw(3, 50));
  });

  it('covers more than thirty intents and what lies outside', () => {
    expect(INSIDE.length).toBeGreaterThanOrEqual(30);
    expect(new Set(examples.map((example) => example.intent)).size).toBeGreaterThan(INSIDE.length);
    expect(examples.some((example) => example.answer === DECLINE_TEXT)).toBe(true);
  });

  it('holds only questions in the form that the service sends', () => {
    const other = examples.filter((example) => normalise(example.question) !== example.question);
    expect(other.map((example) => example.question)).toEqual([]);
  });

  it('never teaches a call whose arguments were not said', () => {
    const said = ({ before, question }: (typeof examples)[number]): string =>
      normalise([...before.flatMap((turn) => [turn.question, turn.heard]), question].join(' . '));
    const invented = examples.filter((example) => !argumentsInQuestion(example.answer, said(example)));
    expect(invented.slice(0, 5)).toEqual([]);
  });

  it('knows the words of the domain and not those of the world', () => {
    const words = new Set(domainWords());
    expect(['timer', 'spell', 'kilometers', 'budget'].filter((word) => !words.has(word))).toEqual([]);
    expect(['photosynthesis', 'president', 'bitcoin', 'weather'].filter((word) => words.has(word))).toEqual([]);
  });
});

describe('the evaluation lists', () => {
  it('hold at least 200 held-out questions, at least 60 of them outside', () => {
    const heldout = readQuestions('heldout');
    expect(heldout.length).toBeGreaterThanOrEqual(200);
    expect(heldout.filter((question) => question.kind === 'decline').length).toBeGreaterThanOrEqual(60);
  });

  it('share no question with each other', () => {
    const calibration = new Set(readQuestions('calibration').map((question) => normalise(question.question)));
    expect(readQuestions('heldout').filter((question) => calibration.has(normalise(question.question)))).toEqual([]);
  });

  it('have patterns that compile, and calls that their questions allow', () => {
    for (const question of [...readQuestions('heldout'), ...readQuestions('calibration')]) {
      if (question.kind === 'answer') expect(() => new RegExp(question.expected)).not.toThrow();
      if (question.kind === 'call') expect(question.expected).toMatch(/^<[a-z]+( [^<>]+)?>$/);
    }
  });
});
