import { decodeTile } from './bundle.ts';
import { LogFault } from './fault.ts';
import { subtreeRoot, TILE_WIDTH, type Tile, tileAt, tileOfNode, tilePath } from './tile.ts';
import type { Nodes } from './tree.ts';

/** The static files of a log, wherever they lie. */
export interface LogFiles {
  /** Undefined when there is no such file; rejects when it cannot be read. */
  read(path: string): Promise<Uint8Array | undefined>;
}

/** A tile's bytes: of its own width, or the head of the full one that has replaced it. */
export async function readTile(files: LogFiles, tile: Tile): Promise<Uint8Array | undefined> {
  const own = await files.read(tilePath(tile));
  if (own !== undefined || tile.width === TILE_WIDTH) return own;
  return files.read(tilePath({ ...tile, width: TILE_WIDTH }));
}

/** The hashes of a tile of a log of `size`. Throws TILE_MISSING or TILE_MALFORMED. */
export async function readHashes(files: LogFiles, tile: Tile): Promise<readonly Uint8Array[]> {
  const path = tilePath(tile);
  const bytes = await readTile(files, tile);
  if (!bytes) throw new LogFault('TILE_MISSING', path, `${path} is not there`);
  const whole = bytes.byteLength === TILE_WIDTH * 32 ? bytes.subarray(0, tile.width * 32) : bytes;
  return decodeTile(whole, tile.width, path);
}

/** The nodes of a log of `size`, from its tiles. Tiles once read are kept as long as this object is. */
export function nodesOf(files: LogFiles, size: number): Nodes {
  const kept = new Map<string, Promise<readonly Uint8Array[]>>();
  return {
    async node(level, index) {
      const { level: tileLevel, index: tileIndex, from, count } = tileOfNode(level, index);
      const tile = tileAt(tileLevel, tileIndex, size);
      const path = tilePath(tile);
      const hashes = kept.get(path) ?? readHashes(files, tile);
      kept.set(path, hashes);
      return subtreeRoot((await hashes).slice(from, from + count));
    },
  };
}
