import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { upToStop } from './uptostop.ts';

async function passed(pieces: readonly string[], stops: readonly string[]) {
  let left = 0;
  const texts = async function* () {
    for (const text of pieces) yield { text };
    left += 1;
    return 'the end';
  };
  const told: string[] = [];
  const source = upToStop(texts(), stops, (text) => told.push(text));
  const heard: string[] = [];
  for (;;) {
    const next = await source.next();
    if (next.done === true) expect(told).toEqual(heard);
    if (next.done === true) return { heard, left, ...next.value };
    heard.push(next.value.text);
  }
}

describe('an answer with a stop', () => {
  it('ends before the stop, wherever its tokens are cut, and is read to its end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 4 }), { maxLength: 12 }),
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\n'), minLength: 1, maxLength: 3 }), { maxLength: 3 }),
        async (pieces, stops) => {
          const whole = pieces.join('');
          // Read letter by letter, the first that ends with a stop; of several, the longest.
          const read = Array.from(whole, (_, at) => whole.slice(0, at + 1)).find((head) =>
            stops.some((stop) => head.endsWith(stop)),
          );
          const met = stops.filter((stop) => read?.endsWith(stop)).sort((a, b) => b.length - a.length)[0] ?? '';
          const { heard, left, end, stopped } = await passed(pieces, stops);
          expect([heard.join(''), stopped]).toEqual([read?.slice(0, read.length - met.length) ?? whole, read !== undefined]);
          expect([left, end]).toEqual([1, 'the end']);
        },
      ),
    );
  });

  it('keeps nothing back that can be no beginning of the stop', async () => {
    expect((await passed(['One', ' two', '\n', 'three'], ['\n\n'])).heard).toEqual(['One', ' two', '\nthree']);
  });
});
