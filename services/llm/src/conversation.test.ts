import { describe, expect, it } from 'vitest';
import { asReadByNano } from './conversation.ts';

describe('the history of a conversation', () => {
  const turn = (content: string, role = 'user') => ({ role, content });

  it('is the last two turns, without system messages, questions in the form of training', () => {
    const messages = [
      turn('You are a pirate.', 'system'),
      turn('One?'),
      turn('1.', 'assistant'),
      turn('Two?'),
      turn('2.', 'assistant'),
    ];
    expect(asReadByNano([...messages, turn('Three?'), turn('3.', 'assistant'), turn('What TIME is it?')])).toEqual([
      turn('2'),
      turn('2.', 'assistant'),
      turn('3'),
      turn('3.', 'assistant'),
      turn('what time is it'),
    ]);
  });

  it('loses its oldest turns where they would leave no room for the question', () => {
    const long = 'and '.repeat(100);
    expect(asReadByNano([turn('hello'), turn(long, 'assistant'), turn('bye'), turn('Bye.', 'assistant'), turn('again')])).toEqual(
      [turn('bye'), turn('Bye.', 'assistant'), turn('again')],
    );
    expect(asReadByNano([turn('hello'), turn(long, 'assistant'), turn('again')])).toEqual([turn('again')]);
  });
});
