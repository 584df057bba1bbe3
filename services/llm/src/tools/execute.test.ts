import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCall } from './call.ts';
import { execute, type World } from './execute.ts';

const world: World = {
  nowMs: Date.UTC(2026, 10, 23, 15, 4, 30),
  chance: 0.7,
  mode: 'normal',
  tier: 'standard',
  session: { timers: [], timeZone: 'Europe/Lisbon', llmTokensLeft: 1200n, lastAnswer: 'Hello there.' },
};
const say = (text: string, over: Partial<World> = {}) => {
  const call = parseCall(text);
  return call ? execute(call, { ...world, ...over }).text : undefined;
};

describe('a tool call of the model', () => {
  it.each([
    ['<time>', 'It is 3:04 PM.'],
    ['<date>', 'Today is Monday, November 23, 2026.'],
    ['<date tomorrow>', 'Tomorrow will be Tuesday, November 24, 2026.'],
    ['<calc 12 + 30>', '12 plus 30 is 42.'],
    ['<calc 0.1 + 0.2>', '0.1 plus 0.2 is 0.3.'],
    ['<calc 3 - 10>', '3 minus 10 is minus 7.'],
    ['<calc 15 % 80>', '15 percent of 80 is 12.'],
    ['<calc 10 / 3>', '10 divided by 3 is about 3.3333.'],
    ['<calc 1 / 1000000>', '1 divided by 1000000 is 0.000001.'],
    ['<calc 1 / 999999999999>', '1 divided by 999999999999 is almost zero.'],
    ['<calc -1 / 3000000>', 'minus 1 divided by 3000000 is about minus 0.000000333.'],
    ['<calc 999999999999 * 999999999999>', 'That number is too large for me.'],
    ['<calc 0 * -5>', '0 times minus 5 is 0.'],
    ['<unit 999999999999 ton milligram>', 'That number is too large for me.'],
    ['<calc 1 / 0>', 'I cannot divide by zero.'],
    ['<unit 5 mile kilometer>', '5 miles is about 8.0467 kilometers.'],
    ['<unit 1 foot inch>', '1 foot is 12 inches.'],
    ['<unit 100 celsius fahrenheit>', '100 degrees Celsius is 212 degrees Fahrenheit.'],
    ['<unit 3 meter kilogram>', 'I cannot convert meter to kilogram.'],
    ['<unit 3 constructor meter>', 'I do not know the unit constructor.'],
    ['<spell cat>', 'Cat is spelled C, A, T.'],
    ['<count 3 1>', '3, 2, 1.'],
    ['<choose tea | green tea>', 'I choose green tea.'],
    ['<coin>', 'It is tails.'],
    ['<dice>', 'You rolled a 5.'],
    ['<repeat>', 'Hello there.'],
    ['<budget>', 'You have 1200 tokens left.'],
    ['<status>', 'The mesh is in normal mode, and every model is verified.'],
  ])('%s is answered: %s', (call, answer) => {
    expect(say(call)).toBe(answer);
  });

  it('says the zone when the caller gave none, or one that does not exist', () => {
    for (const timeZone of ['', 'Mars/Olympus']) {
      expect(say('<time>', { session: { ...world.session, timeZone } })).toBe('It is 3:04 PM UTC.');
    }
  });

  it.each([
    ['2026-11-01T04:30:00Z', 'America/New_York', 'Tomorrow will be Monday, November 2, 2026.'],
    ['2027-03-29T04:30:00Z', 'Europe/Berlin', 'Yesterday was Sunday, March 28, 2027.'],
    ['2026-12-31T23:30:00Z', 'Asia/Tokyo', 'Tomorrow will be Saturday, January 2, 2027.'],
  ])('counts calendar days where the clocks change: %s in %s', (now, timeZone, answer) => {
    const call = answer.startsWith('Tomorrow') ? '<date tomorrow>' : '<date yesterday>';
    expect(say(call, { nowMs: Date.parse(now), session: { ...world.session, timeZone } })).toBe(answer);
  });

  it('sets, reports and cancels a timer of the session', () => {
    const set = execute({ name: 'timer', action: 'set', amount: 5, unit: 'minute' }, world);
    expect(set).toEqual({
      text: 'Your timer is set for 5 minutes.',
      timers: [{ label: '5 minutes', endsUnixMs: BigInt(world.nowMs + 300_000) }],
    });
    const later = { ...world, nowMs: world.nowMs + 239_000, session: { ...world.session, timers: [...set.timers] } };
    expect(execute({ name: 'timer', action: 'left' }, later).text).toBe('There are 1 minute and 1 second left on your timer.');
    expect(execute({ name: 'timer', action: 'cancel' }, later)).toEqual({ text: 'Your timer is cancelled.', timers: [] });
  });

  it.each([
    '',
    '<time',
    '<rm -rf>',
    '<calc 1 + >',
    '<calc 1e999 + 1>',
    '<calc 1 ^ 2>',
    '<timer set -5 minute>',
    '<timer set 5 year>',
    '<count 1 999999>',
    '<choose one>',
    '<constructor>',
    '<toString>',
    '<__proto__ x>',
    '<time now>',
    `<spell ${'a'.repeat(150)}>`,
  ])('%s is no call', (text) => {
    expect(parseCall(text)).toBeUndefined();
  });

  it('never throws and always answers with a sentence, whatever the model writes', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^<(calc|unit|timer|count|date|choose|spell) [0-9a-z+*/% |.-]{0,40}>$/)),
        (text) => {
          const answer = say(text);
          expect(answer === undefined || answer.length > 0).toBe(true);
        },
      ),
    );
  });
});
