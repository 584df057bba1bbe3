import { describe, expect, it } from 'vitest';
import { listFiles, read } from './sources.ts';

const TABLE = 'libs/trust/src/status/README.md';
/** Rules of each section; none may be missing from the table. */
const RULES = { 0: 8, 1: 21, 2: 7, 4: 5 } as const;
const LATER = 'later';

const rows = [...read(TABLE).text.matchAll(/^\| (\d\.\d+) *\| (.+?) *\| (.+?) *\| (.+?) *\|$/gm)].map(
  ([, rule = '', words = '', file = '', test = '']) => ({ rule, words, file, test }),
);

describe('the table of rules of the lock status', () => {
  it('has each rule once', () => {
    const all = Object.entries(RULES).flatMap(([section, count]) =>
      Array.from({ length: count }, (_, index) => `${section}.${index + 1}`),
    );
    expect(rows.map(({ rule }) => rule)).toEqual(all);
  });

  it('names for each, but those that are marked later, a test that stands there', () => {
    const files = new Set(listFiles());
    const missing = rows
      .filter(({ file }) => file !== LATER)
      .filter(({ file, test }) => !files.has(file) || !read(file).text.includes(`'${test}'`));
    expect(missing.map(({ rule, file, test }) => `${rule}: ${file}: ${test}`)).toEqual([]);
  });
});
