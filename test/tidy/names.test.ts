import { describe, expect, it } from 'vitest';
import { listFiles, readSources } from './sources.ts';

/** A function without a home lacks a noun. */
const HOMELESS = /(^|\/)(utils?|common|shared|helpers?|types|misc)(\.[a-z.]+)?(\/|$)/;
/** Names that the contracts fix: proto files are named by their package's custom. */
const FIXED = /^proto\/|\/src\/gen\//;

describe('names in the tree', () => {
  it('are nouns of the field, never utils, common, shared, helpers or types', () => {
    expect(listFiles().filter((path) => HOMELESS.test(path) && !FIXED.test(path))).toEqual([]);
  });
});

describe('the code', () => {
  it('has no silenced check and no skipped test', () => {
    const silenced = /@ts-(ignore|nocheck)|biome-ignore|eslint-disable|oxlint-disable|\b(it|test|describe)\.(skip|only|todo)\b/;
    const own = 'test/tidy/names.test.ts';
    const wrong = readSources().filter(
      ({ path, text }) => path !== own && !path.endsWith('.type.test.ts') && silenced.test(text),
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  it('names no folder of one machine', () => {
    const wrong = readSources().filter(
      ({ path, text }) => !path.startsWith('test/tidy/') && /['"`]\/(work|root|home)\//.test(text),
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });
});
