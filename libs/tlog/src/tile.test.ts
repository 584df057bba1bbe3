import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBundle, encodeBundle } from './bundle.ts';
import { newTiles, tilePath } from './tile.ts';

describe('tiles', () => {
  it('lie where the standard says', () => {
    expect(tilePath({ level: 0, index: 1_234_067, width: 256 })).toBe('tile/0/x001/x234/067');
    expect(tilePath({ level: 1, index: 0, width: 17 })).toBe('tile/1/000.p/17');
    expect(tilePath({ level: 'entries', index: 273, width: 112 })).toBe('tile/entries/273.p/112');
    expect(tilePath({ level: 63, index: 1_000, width: 256 })).toBe('tile/63/x001/000');
  });

  it('of a tree of 70,000 are those of the standard’s example', () => {
    const hashes = newTiles(0, 70_000).filter(({ level }) => level !== 'entries');
    const full = (level: number) => hashes.filter((tile) => tile.level === level && tile.width === 256).length;
    const partial = hashes.filter(({ width }) => width < 256).map(({ level, width }) => [level, width]);
    expect([full(0), full(1), full(2)]).toEqual([273, 1, 0]);
    expect(partial).toEqual([
      [0, 112],
      [1, 17],
      [2, 1],
    ]);
  });

  it('of a tree of 256 are a full one and one of width 1 above it', () => {
    expect(newTiles(0, 256).map(tilePath)).toEqual(['tile/entries/000', 'tile/0/000', 'tile/1/000.p/1']);
  });

  it('are written once: an append names those that change, and no others', () => {
    fc.assert(
      fc.property(fc.nat(200_000), fc.nat(1_000), (before, more) => {
        const old = new Set(newTiles(0, before).map(tilePath));
        const now = new Set(newTiles(0, before + more).map(tilePath));
        const fresh = newTiles(before, before + more).map(tilePath);
        expect(fresh.toSorted()).toEqual([...now].filter((path) => !old.has(path)).toSorted());
      }),
      { numRuns: 50 },
    );
  });
});

describe('a bundle of entries', () => {
  it('gives back what was put in', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 256 }), (entries) => {
        expect(decodeBundle(encodeBundle(entries), 'b').map((entry) => [...entry])).toEqual(entries.map((entry) => [...entry]));
      }),
    );
  });

  it('has each entry after its length in two bytes, big-endian', () => {
    expect(Buffer.from(encodeBundle([Buffer.from('ab'), Buffer.of()])).toString('hex')).toBe('000261620000');
  });

  it.each([
    ['in a length', '00'],
    ['in an entry', '00036162'],
  ])('is refused where it ends %s', (_where, hex) => {
    expect(() => decodeBundle(Buffer.from(hex, 'hex'), 'tile/entries/000')).toThrowError(
      expect.objectContaining({
        code: 'BUNDLE_MALFORMED',
        message: expect.stringContaining('tile/entries/000 ends within') as string,
      }),
    );
  });

  it('takes no entry that its length cannot say', () => {
    expect(() => encodeBundle([Buffer.alloc(65_536)])).toThrow(/65535 at most/);
  });
});
