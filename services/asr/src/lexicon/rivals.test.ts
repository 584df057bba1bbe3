import { lexiconTerms } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import { RIVALS_MAX, Rivals } from './rivals.ts';
import { Spelling } from './spelling.ts';
import { replaced } from './words.ts';

const TERMS = lexiconTerms({
  pronunciations: [
    { term: 'Kubernetes', ipa: 'ˌkubɚˈnɛtiz' },
    { term: 'PostgreSQL', ipa: 'ˈpoʊstɡɹɛsˌkjuˈɛl' },
    { term: 'Nguyen', ipa: 'wɪn' },
    { term: 'Siobhan', ipa: 'ʃɪˈvɔn' },
  ],
  domain_terms: ['Prometheus', 'B2B'],
});
const rivals = new Rivals(TERMS);
const rivalsOf = (text: string) => rivals.of(text, []).map((rival) => replaced(text, [rival]));

describe('words that were heard for a term', () => {
  it.each([
    // As Moonshine heard them.
    ['I ask Pouvier and Eddie’s about it.', 'I ask Kubernetes about it.'],
    ['Poovernetty’s is on.', 'Kubernetes is on.'],
    ['We use post-rescue ale now.', 'We use PostgreSQL now.'],
    ['I asked Wynn about it.', 'I asked Nguyen about it.'],
    ['We round shiv on on it.', 'We round Siobhan on it.'],
    ['We were unpremetheus on it.', 'We were Prometheus on it.'],
  ])('are roughly like it: %s', (heard, meant) => {
    expect(rivalsOf(heard)).toContain(meant);
  });

  it('are not what sounds otherwise, what is a term already, or lies across a comma', () => {
    expect(rivalsOf('I read the letter to my lawyer.')).toEqual([]);
    expect(rivalsOf('Siobhan')).toEqual([]);
    expect(rivalsOf('ship, on')).toEqual([]);
    expect(rivals.of('shiv on', [{ from: 0, to: 4, term: 'X' }])).toEqual([]);
  });

  it('are told in a bounded number, those with the most in common with their term first', () => {
    const all = rivalsOf('when one wins she ran a van and shaved on some poor berneti’s post-rescue ale');
    expect(all).toHaveLength(RIVALS_MAX);
    expect(all[0]).toContain('PostgreSQL');
  });
});

describe('a recogniser that is asked which it was', () => {
  const spelling = new Spelling(TERMS);
  const asked: (readonly string[])[] = [];
  const write = (text: string, likelihood: number | undefined, less: number | undefined) =>
    spelling.writeBy({ text, likelihood }, async (texts) => {
      asked.push(texts);
      return less === undefined ? undefined : texts.map(() => (likelihood ?? 0) - less);
    });

  it('decides: the term is written where it is likely enough, and the words stay where it is not', async () => {
    expect(await write('I asked Wynn about it.', -3, 5)).toBe('I asked Nguyen about it.');
    expect(await write('I asked Wynn about it.', -3, -1)).toBe('I asked Nguyen about it.');
    expect(await write('I asked Wynn about it.', -3, 9)).toBe('I asked Wynn about it.');
  });

  it('is believed most of what it finds the likeliest, where two terms lie over each other', async () => {
    const written = await spelling.writeBy({ text: 'Poovernetty’s is on.', likelihood: -9 }, async (texts) =>
      texts.map((text) => (text.includes('’s') ? -11 : -4)),
    );
    expect(written).toBe('Kubernetes is on.');
  });

  it('is not asked where it was certain, where it cannot tell, or where nothing is like a term', async () => {
    asked.length = 0;
    await write('I asked Wynn about it.', -0.3, 0);
    await write('I asked Wynn about it.', undefined, 0);
    await write('I read the letter to my lawyer.', -3, 0);
    expect(asked).toEqual([]);
  });

  it('that gives no answer loses nothing: what is certain is written', async () => {
    expect(await write('I asked Wynn and chivon.', -3, undefined)).toBe('I asked Wynn and Siobhan.');
  });
});

describe('a lexicon of ten thousand terms', () => {
  const syllables = ['ba', 'ko', 'den', 'lif', 'mas', 'tu', 'ran', 'vil', 'sen', 'gor'];
  const many = Array.from({ length: 10_000 }, (_, number) =>
    Array.from(String(number).padStart(4, '0'), (digit) => syllables[Number(digit)]).join(''),
  );

  it('is looked through as well: a name that is heard otherwise is found', () => {
    const found = new Rivals(lexiconTerms({ pronunciations: [], domain_terms: ['Kubernetes', ...many] })).of(
      'Poovernetty is on.',
      [],
    );
    expect(found.map(({ term }) => term)).toContain('Kubernetes');
  });
});
