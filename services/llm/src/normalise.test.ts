import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalise, wordsToDigits } from './normalise.ts';

describe('number words', () => {
  it.each([
    ['twenty five', '25'],
    ['a hundred and twenty', '120'],
    ['one hundred and five minus forty', '105 minus 40'],
    ['two thousand and three', '2003'],
    ['three million two hundred thousand and fifty', '3200050'],
    ['eleven hundred', '1100'],
    ['a thousand', '1000'],
    ['three point one four', '3.14'],
    ['point five', '0.5'],
    ['zero point two five', '0.25'],
    ['three and a half miles', '3.5 miles'],
    ['thirty three four six ninety two', '33 4 6 92'],
    ['twelve and thirty', '12 and 30'],
    ['nineteen eighty four', '19 84'],
    ['3 hundred and 2.5 million', '300 and 2500000'],
    ['minus forty celsius', '-40 celsius'],
    ['ten minus five', '10 minus 5'],
    ['half a dozen', '6'],
  ])('reads "%s" as %s', (spoken, digits) => {
    expect(wordsToDigits(spoken)).toBe(digits);
  });

  it.each([
    ['half an hour', '30 minutes'],
    ['a quarter of an hour', '15 minutes'],
    ['three quarters of an hour', '45 minutes'],
    ['an hour and a half', '90 minutes'],
    ['an hour', '1 hour'],
    ['half a mile', '0.5 mile'],
    ['one and a half hours', '1.5 hours'],
    ['a couple of minutes', '2 minutes'],
  ])('reads the span "%s" as %s', (spoken, digits) => {
    expect(wordsToDigits(spoken)).toBe(digits);
  });

  it('leaves "one" alone where it is a pronoun', () => {
    expect(wordsToDigits('tell me another one')).toBe('tell me another one');
    expect(wordsToDigits('one more please')).toBe('one more please');
  });
});

describe('what recognisers write', () => {
  it.each([
    ["What's twenty-five plus 3?", 'what is 25 plus 3'],
    ['Convert 5km to miles.', 'convert 5 kilometers to miles'],
    ['2:30', '2 30'],
    ['1,000,000 divided by 3.5', '1000000 divided by 3.5'],
    ['15% of 80', '15 percent of 80'],
    ['3 + 4', '3 plus 4'],
    ['12-5', '12 minus 5'],
    ['6/2', '6 divided by 2'],
    ['What is the date to-morrow?', 'what is the date tomorrow'],
    ['Twenty per cent of sixty.', '20 percent of 60'],
    ['7 x 8', '7 times 8'],
    ["What's -40 °C in Fahrenheit?", 'what is -40 degrees celsius in fahrenheit'],
    ['Um, what time, uh, is it?', 'what time is it'],
    ['I can’t hear you.', 'i can not hear you'],
    ['Ten metres', '10 meters'],
    ['“Hello!”', 'hello'],
    ['Café', 'cafe'],
    ["today's date", 'todays date'],
    ['', ''],
    ['...', ''],
  ])('reads %j as %j', (written, read) => {
    expect(normalise(written)).toBe(read);
  });
});

describe('any text at all', () => {
  it('comes out lower-case, single-spaced and without control characters or punctuation', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(normalise(text)).toMatch(/^[\p{L}\p{N}. -]*$/u);
        expect(normalise(text)).not.toMatch(/ {2}|^ | $|\p{Lu}/u);
      }),
    );
  });

  it('reads 10,000 words as it reads ten', () => {
    expect(normalise('one hundred and '.repeat(10_000)).split(' ').length).toBeGreaterThan(9_999);
  });
});
