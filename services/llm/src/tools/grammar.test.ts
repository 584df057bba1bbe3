import fc from 'fast-check';
import { getLlama, LlamaLogLevel } from 'node-llama-cpp';
import { beforeAll, describe, expect, it } from 'vitest';
import { normalise } from '../normalise.ts';
import { callGrammar } from './grammar.ts';

const LOAD_MS_MAX = 60_000;
let llama: Awaited<ReturnType<typeof getLlama>>;
beforeAll(async () => {
  llama = await getLlama({ build: 'never', gpu: false, maxThreads: 1, logLevel: LlamaLogLevel.disabled });
}, LOAD_MS_MAX);

/** The alternatives of one call in the grammar of a question. */
const offered = (name: string, question: string, conversation = question): string =>
  new RegExp(`"${name} " (.*?)(?: \\| "[a-z]+ " |\\) ">"$)`, 'm').exec(callGrammar(question, conversation) ?? '')?.[1] ?? '';

describe('the grammar of a call', () => {
  it('offers the numbers that were said, and none with itself unless it was said twice or squared', () => {
    expect(offered('calc', 'if i take 19 off 64')).toBe('("19 " [-+*/%] " " ("64") | "64 " [-+*/%] " " ("19"))');
    expect(offered('calc', '7 times 7')).toBe('("7 " [-+*/%] " " ("7"))');
    expect(offered('calc', '9 squared')).toBe('("9 " [-+*/%] " " ("9"))');
  });

  it('takes a value from the unit it was said with', () => {
    expect(offered('unit', '5 miles how many kilometers is that')).toBe('("5 mile " ("kilometer"))');
    expect(offered('unit', 'what is 30 degrees celsius in fahrenheit')).toBe('("30 celsius " ("fahrenheit"))');
  });

  it('takes either direction where the value was said alone', () => {
    expect(offered('unit', 'from fahrenheit to celsius how much is 98.6')).toBe(
      '("98.6 fahrenheit " ("celsius") | "98.6 celsius " ("fahrenheit"))',
    );
  });

  it('takes what stands on either side of the choice', () => {
    expect(offered('choose', 'tea or coffee')).toBe('(("tea") " | " ("coffee"))');
  });

  it('takes numbers and units of the turns before', () => {
    expect(offered('calc', 'plus 5', '2 plus 3 plus 5')).toContain('"3 " [-+*/%] " " ("2" | "5")');
  });

  it('leaves a call free that has nothing to take, so that the check declines it and no other call is forced', () => {
    for (const name of ['calc', 'unit', 'choose', 'date']) expect(offered(name, 'who are you')).toBe('free');
  });

  it('is left out where there is more than a question ever has', () => {
    expect(callGrammar('word '.repeat(200).trim(), 'word '.repeat(200).trim())).toBeUndefined();
    expect(callGrammar('1 2 3 4 5 6 7 8 9 10 11 12 13', '1 2 3 4 5 6 7 8 9 10 11 12 13')).toBeUndefined();
  });

  it(
    'is one that llama.cpp can read, whatever is said',
    async () => {
      const bits = fc.constantFrom(
        '"',
        '\\',
        '12',
        '-3',
        '1e9',
        'miles',
        'or',
        'and',
        'minutes',
        '::=',
        '\u{1F600}',
        'ß',
        '<|user|>',
        ']',
        "don't",
      );
      await fc.assert(
        fc.asyncProperty(fc.array(fc.oneof(bits, fc.string({ unit: 'binary' })), { maxLength: 12 }), async (words) => {
          const question = normalise(words.join(' '));
          const grammar = callGrammar(question, question);
          if (grammar !== undefined) await llama.createGrammar({ grammar });
        }),
      );
    },
    LOAD_MS_MAX,
  );
});
