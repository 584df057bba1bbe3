import { nodeHash } from './hash.ts';

// Tiles as https://c2sp.org/tlog-tiles lays them out: 256 hashes wide, eight levels of the tree high.

export const TILE_WIDTH = 256;
export const TILE_HEIGHT = 8;

/** A tile of hashes (level 0 holds leaf hashes) or a bundle of entries. Narrower than 256 at the right edge of the tree only. */
export interface Tile {
  readonly level: number | 'entries';
  readonly index: number;
  readonly width: number;
}

/** Path below the log's prefix, for example `tile/0/x001/x234/067.p/8`. */
export function tilePath({ level, index, width }: Tile): string {
  return `tile/${level}/${indexPath(index)}${width < TILE_WIDTH ? `.p/${width}` : ''}`;
}

/** Three digits a path element, all but the last begin with `x`: no name is both a file and a folder. */
function indexPath(index: number): string {
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  const elements = padded.match(/\d{3}/g) ?? [];
  return elements.map((element, at) => (at < elements.length - 1 ? `x${element}` : element)).join('/');
}

/** Where a log of `size` keeps its entry `index`. */
export function bundleOf(index: number, size: number): Tile {
  return tileAt('entries', Math.floor(index / TILE_WIDTH), size);
}

/** The tile of that level and index in a log of `size`: full, or as wide as the tree is there. Width 0: there is none. */
export function tileAt(level: number | 'entries', index: number, size: number): Tile {
  const hashes = Math.floor(size / TILE_WIDTH ** (level === 'entries' ? 0 : level));
  return { level, index, width: Math.max(0, Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH)) };
}

/** Every tile of hashes, and every bundle, that a log has at `size` and had not at `before`: what an append must write. */
export function newTiles(before: number, size: number): readonly Tile[] {
  const levels: (number | 'entries')[] = ['entries'];
  for (let level = 0; Math.floor(size / TILE_WIDTH ** level) > 0; level += 1) levels.push(level);
  return levels.flatMap((level) => {
    const per = TILE_WIDTH ** (level === 'entries' ? 0 : level);
    const [old, now] = [Math.floor(before / per), Math.floor(size / per)];
    if (old === now) return [];
    const first = Math.floor(old / TILE_WIDTH);
    const count = Math.ceil(now / TILE_WIDTH) - first;
    return Array.from({ length: count }, (_, at) => tileAt(level, first + at, size));
  });
}

/** The tile that holds the node `level`, `index` of the tree, and the hashes in it that the node is made of. */
export function tileOfNode(level: number, index: number): { level: number; index: number; from: number; count: number } {
  const tileLevel = Math.floor(level / TILE_HEIGHT);
  const count = 2 ** (level - tileLevel * TILE_HEIGHT);
  const first = index * count;
  return { level: tileLevel, index: Math.floor(first / TILE_WIDTH), from: first % TILE_WIDTH, count };
}

/** Root of a complete subtree from its bottom hashes; their number is a power of two. */
export function subtreeRoot(hashes: readonly Uint8Array[]): Uint8Array {
  let row = hashes;
  while (row.length > 1) {
    const below = row;
    row = Array.from({ length: below.length / 2 }, (_, at) =>
      nodeHash(below[2 * at] as Uint8Array, below[2 * at + 1] as Uint8Array),
    );
  }
  return row[0] as Uint8Array;
}
