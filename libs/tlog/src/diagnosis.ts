import type { LogFinding } from './fault.ts';
import { sameHash } from './hash.ts';
import { TILE_WIDTH } from './tile.ts';

/** At most so many changed entries of one bundle are named one by one: a bundle of rubbish has 256. */
const NAMED_MAX = 16;

/** A bundle whose entries are not those of its tile: what its entries hash to, and what the tile says. */
export interface Disagreement {
  readonly bundle: number;
  readonly path: string;
  readonly entries: readonly Uint8Array[];
  readonly tile: readonly Uint8Array[];
}

/** Names what was done to a bundle whose tile is right: entries changed, dropped, added, or in another order. */
export function diagnose({ bundle, path, entries, tile }: Disagreement): readonly LogFinding[] {
  const first = bundle * TILE_WIDTH;
  const differing = tile.flatMap((hash, at) => (entries[at] && sameHash(entries[at], hash) ? [] : [at]));
  const [start] = differing;
  if (start === undefined) return [added(path, tile.length, entries.length)];
  if (hasMovedUp(entries, tile, start)) return [dropped(path, first + start)];
  const moved = placesOf(entries, tile, differing);
  if (moved) return [reordered(path, first, moved)];
  return differing.slice(0, NAMED_MAX).map((at) => changed(path, first + at, differing.length));
}

/** From `start` on, each entry stands where the one before it belongs. */
function hasMovedUp(entries: readonly Uint8Array[], tile: readonly Uint8Array[], start: number): boolean {
  const rest = entries.slice(start, tile.length - 1);
  const last = entries[tile.length - 1];
  const follows = rest.every((hash, at) => sameHash(hash, tile[start + at + 1] as Uint8Array));
  // Two neighbours that changed places at the very end look the same, but then the last one is still there.
  if (last === undefined) return follows;
  return follows && rest.length > 0 && !tile.some((hash) => sameHash(hash, last));
}

/** Where each differing entry belongs, if all belong into this bundle. */
function placesOf(
  entries: readonly Uint8Array[],
  tile: readonly Uint8Array[],
  differing: readonly number[],
): readonly (readonly [number, number])[] | undefined {
  const places: (readonly [number, number])[] = [];
  for (const at of differing) {
    const entry = entries[at];
    const place = entry ? tile.findIndex((hash) => sameHash(hash, entry)) : -1;
    if (place < 0) return undefined;
    places.push([at, place]);
  }
  return places;
}

function changed(path: string, index: number, count: number): LogFinding {
  return {
    code: 'ENTRY_CHANGED',
    where: `entry ${index} in ${path}`,
    message: `entry ${index} is not the one that was logged: its bytes in ${path} do not match its leaf hash${count > 1 ? ` (${count} such entries in this bundle)` : ''}`,
  };
}

function dropped(path: string, index: number): LogFinding {
  return {
    code: 'ENTRY_DROPPED',
    where: `entry ${index} in ${path}`,
    message: `entry ${index} was taken out of ${path}; what followed has moved up`,
  };
}

function reordered(path: string, first: number, moved: readonly (readonly [number, number])[]): LogFinding {
  const named = moved.slice(0, NAMED_MAX).map(([at, place]) => `entry ${first + place} stands at ${first + at}`);
  return {
    code: 'ENTRY_REORDERED',
    where: `entries ${moved.map(([at]) => first + at).join(', ')} in ${path}`,
    message: `entries of ${path} have changed places: ${named.join(', ')}`,
  };
}

function added(path: string, due: number, there: number): LogFinding {
  return {
    code: 'BUNDLE_MALFORMED',
    where: path,
    message: `${path} holds ${there} entries; ${due} were logged there`,
  };
}
