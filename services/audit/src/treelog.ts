import type { KeyObject } from 'node:crypto';
import {
  CHECKPOINT_PATH,
  decodeBundle,
  Edge,
  encodeBundle,
  encodeProof,
  leafHash,
  LogFault,
  newTiles,
  nodesOf,
  type NoteKey,
  openCheckpoint,
  proveInclusion,
  readHashes,
  readTile,
  rootOf,
  sameHash,
  signCheckpoint,
  type SignedCheckpoint,
  type Tile,
  TILE_WIDTH,
  tileAt,
  tilePath,
} from '@smartlite/tlog';
import type { Disk } from './engine.ts';

/** In the key's folder, which no backup of the log holds: the newest checkpoint that was ever signed. */
export const MARK_PATH = 'mark';

export interface LogKey {
  readonly key: NoteKey;
  readonly privateKey: KeyObject;
}

interface State {
  readonly checkpoint: SignedCheckpoint;
  readonly edge: Edge;
  /** Entries of the last bundle, while it is not full. */
  readonly tail: readonly Uint8Array[];
  /** By level: hashes of the last tile, while it is not full. */
  readonly hashes: readonly (readonly Uint8Array[])[];
}

/**
 * The log on the disk, with one writer. Durable steps of an append, each repeatable, and what is true after each:
 * 1. bundles and tiles, all at once: entries and hashes are on the disk, under no checkpoint. A crash here leaves files that nobody
 *    reads; the entries come again.
 * 2. a checkpoint over them is signed, and kept as mark beside the key and as the file that readers see, both at once. From here on
 *    they count: opening again finds the newer of the two, and writes the other.
 * Within a step the disk syncs side by side: an append alone costs two waits for it, not one a file.
 */
export class TreeLog {
  readonly #disk: Disk;
  readonly #keys: Disk;
  readonly #key: LogKey;
  readonly #mayWrite: () => void;
  /** What readers see; stays while an append is under way. */
  #state: State | undefined;
  #writable = false;

  /** `keys` is the key's own folder; `mayWrite` throws when this process may not sign any more. */
  constructor(disk: Disk, keys: Disk, key: LogKey, mayWrite: () => void = () => {}) {
    this.#disk = disk;
    this.#keys = keys;
    this.#key = key;
    this.#mayWrite = mayWrite;
  }

  /** The newest checkpoint. */
  get checkpoint(): SignedCheckpoint {
    return this.#open.checkpoint;
  }

  /**
   * Proves that the files hold every checkpoint that is known to be signed: the mark's, the files' own, and `elsewhere` (the control
   * log's). Gives the newest. Writes nothing. Throws ROLLED_BACK where the files are older, FORKED where they are another history: a
   * writer that went on would sign a second one.
   */
  async examine(elsewhere?: SignedCheckpoint): Promise<SignedCheckpoint | undefined> {
    const known = [await this.#read(this.#keys, MARK_PATH), await this.#read(this.#disk, CHECKPOINT_PATH), elsewhere]
      .filter((checkpoint) => checkpoint !== undefined)
      .toSorted((a, b) => b.size - a.size);
    for (const checkpoint of known) if (checkpoint.size > 0) await this.#prove(checkpoint);
    return known[0];
  }

  /** Takes the log up where the newest signed checkpoint stands. Throws what `examine` throws. */
  async open(elsewhere?: SignedCheckpoint): Promise<void> {
    this.#writable = false;
    const newest = await this.examine(elsewhere);
    this.#mayWrite();
    if (!newest) return this.#begin();
    const [mark, seen] = [await this.#read(this.#keys, MARK_PATH), await this.#read(this.#disk, CHECKPOINT_PATH)];
    if (newest.note !== mark?.note) await this.#keys.write(MARK_PATH, Buffer.from(newest.note));
    if (newest.note !== seen?.note) await this.#disk.write(CHECKPOINT_PATH, Buffer.from(newest.note));
    this.#state = await this.#load(newest);
    this.#writable = true;
  }

  /** Appends entries under a new checkpoint. After a rejection nothing is known but what `open` finds. */
  async append(entries: readonly Uint8Array[]): Promise<SignedCheckpoint> {
    const { edge: before, tail, hashes, checkpoint: old } = this.#open;
    if (!this.#writable) throw new LogFault('CHECKPOINT_MISSING', CHECKPOINT_PATH, 'an append has failed: open the log again');
    this.#writable = false;
    const edge = before.copy();
    const rows = hashes.map((row) => [...row]);
    for (const entry of entries) {
      edge.append(entry, (level, _index, hash) => {
        if (level % 8 === 0) (rows[level / 8] ??= []).push(hash);
      });
    }
    const bundle = [...tail, ...entries];
    const tiles = newTiles(old.size, edge.size);
    await this.#writeTiles(tiles, old.size, bundle, rows);
    this.#mayWrite();
    const checkpoint = signCheckpoint({ size: edge.size, root: edge.root() }, this.#key.key, this.#key.privateKey);
    const note = Buffer.from(checkpoint.note);
    await allOf([this.#keys.write(MARK_PATH, note), this.#disk.write(CHECKPOINT_PATH, note)]);
    this.#state = { checkpoint, edge, tail: rest(bundle), hashes: rows.map(rest) };
    this.#writable = true;
    await this.#tidy(old.size, edge.size);
    return checkpoint;
  }

  /** Entries `from` up to the checkpoint's size, bundle by bundle. */
  async *read(from: number): AsyncIterable<{ readonly position: number; readonly bytes: Uint8Array }> {
    const { size } = this.checkpoint;
    for (let at = from; at < size; ) {
      const bundle = await this.#bundle(Math.floor(at / TILE_WIDTH), size);
      for (const bytes of bundle.slice(at % TILE_WIDTH)) {
        yield { position: at, bytes };
        at += 1;
      }
    }
  }

  /** Root of the first `size` entries, hex. */
  async rootAt(size: number): Promise<string> {
    return Buffer.from(await rootOf(size, nodesOf(this.#disk, this.checkpoint.size))).toString('hex');
  }

  /** One file that proves an entry with the log's public key alone, against the newest checkpoint. */
  async prove(position: number): Promise<string> {
    const { size, note } = this.checkpoint;
    const path = await proveInclusion(position, size, nodesOf(this.#disk, size));
    return encodeProof({ entry: await this.entryAt(position), index: position, path, checkpoint: note });
  }

  async entryAt(position: number): Promise<Uint8Array> {
    const bundle = await this.#bundle(Math.floor(position / TILE_WIDTH), this.checkpoint.size);
    const entry = bundle[position % TILE_WIDTH];
    if (!entry) throw new LogFault('BUNDLE_MISSING', `entry ${position}`, `entry ${position} is not in its bundle`);
    return entry;
  }

  get #open(): State {
    if (!this.#state) throw new LogFault('CHECKPOINT_MISSING', CHECKPOINT_PATH, 'the log is not open');
    return this.#state;
  }

  async #begin(): Promise<void> {
    const checkpoint = signCheckpoint({ size: 0, root: Edge.empty().root() }, this.#key.key, this.#key.privateKey);
    await this.#keys.write(MARK_PATH, Buffer.from(checkpoint.note));
    await this.#disk.write(CHECKPOINT_PATH, Buffer.from(checkpoint.note));
    this.#state = { checkpoint, edge: Edge.empty(), tail: [], hashes: [] };
    this.#writable = true;
  }

  async #read(disk: Disk, path: string): Promise<SignedCheckpoint | undefined> {
    const bytes = await disk.read(path);
    return bytes && openCheckpoint(Buffer.from(bytes).toString('utf8'), this.#key.key, path);
  }

  /** That the files still hold the tree of this checkpoint. */
  async #prove({ size, root }: SignedCheckpoint): Promise<void> {
    const found = await rootOf(size, nodesOf(this.#disk, size)).catch((caught: unknown) => {
      if (caught instanceof LogFault) throw rolledBack(size, caught.message);
      throw caught;
    });
    if (!sameHash(found, root))
      throw new LogFault(
        'FORKED',
        CHECKPOINT_PATH,
        `the files hold another history than the checkpoint of ${size} entries that was signed`,
      );
    if (size % TILE_WIDTH === 0) return;
    const index = Math.floor(size / TILE_WIDTH);
    const [entries, hashes] = [await this.#bundle(index, size), await readHashes(this.#disk, tileAt(0, index, size))];
    if (!hashes.every((hash, at) => entries[at] && sameHash(leafHash(entries[at]), hash)))
      throw rolledBack(size, 'the last bundle is not the one that was signed');
  }

  async #load(checkpoint: SignedCheckpoint): Promise<State> {
    const { size } = checkpoint;
    const hashes: (readonly Uint8Array[])[] = [];
    for (let level = 0; Math.floor(size / TILE_WIDTH ** level) > 0; level += 1) {
      const tile = tileAt(level, Math.floor(size / TILE_WIDTH ** (level + 1)), size);
      hashes.push(tile.width > 0 ? await readHashes(this.#disk, tile) : []);
    }
    const tail = size % TILE_WIDTH === 0 ? [] : await this.#bundle(Math.floor(size / TILE_WIDTH), size);
    return { checkpoint, edge: await Edge.of(size, nodesOf(this.#disk, size)), tail, hashes };
  }

  async #bundle(index: number, size: number): Promise<readonly Uint8Array[]> {
    const tile = tileAt('entries', index, size);
    const bytes = await readTile(this.#disk, tile);
    if (!bytes) throw rolledBack(size, `${tilePath(tile)} is not there`);
    return decodeBundle(bytes, tilePath(tile)).slice(0, tile.width);
  }

  async #writeTiles(
    tiles: readonly Tile[],
    before: number,
    bundle: readonly Uint8Array[],
    rows: readonly (readonly Uint8Array[])[],
  ) {
    const writes = tiles.map((tile) => {
      const first = Math.floor(Math.floor(before / TILE_WIDTH ** (tile.level === 'entries' ? 0 : tile.level)) / TILE_WIDTH);
      const from = (tile.index - first) * TILE_WIDTH;
      const bytes =
        tile.level === 'entries'
          ? encodeBundle(bundle.slice(from, from + tile.width))
          : Buffer.concat((rows[tile.level] ?? []).slice(from, from + tile.width));
      return this.#disk.write(tilePath(tile), bytes);
    });
    await allOf(writes);
  }

  /** Partial tiles whose full one is under a checkpoint have done their work (tlog-tiles, partial tiles). */
  async #tidy(before: number, size: number): Promise<void> {
    for (const level of ['entries', 0] as const) {
      for (let index = Math.floor(before / TILE_WIDTH); (index + 1) * TILE_WIDTH <= size; index += 1)
        await this.#disk.remove(`${tilePath({ level, index, width: TILE_WIDTH })}.p`);
    }
  }
}

/** All have ended, well or not, before the first failure is told: a write that is still under way must not meet the next opening. */
async function allOf(writes: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(writes)).find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}

function rest<T>(row: readonly T[]): readonly T[] {
  return row.slice(row.length - (row.length % TILE_WIDTH));
}

function rolledBack(size: number, because: string): LogFault {
  return new LogFault('ROLLED_BACK', CHECKPOINT_PATH, `a checkpoint of ${size} entries was signed, but ${because}`);
}
