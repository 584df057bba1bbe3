import { decodeBundle } from './bundle.ts';
import { openCheckpoint, type SignedCheckpoint } from './checkpoint.ts';
import { diagnose, type Disagreement } from './diagnosis.ts';
import { LogFault, type LogFinding } from './fault.ts';
import { leafHash, sameHash } from './hash.ts';
import type { NoteKey } from './note.ts';
import { type LogFiles, readHashes, readTile } from './store.ts';
import { bundleOf, type Tile, TILE_HEIGHT, TILE_WIDTH, tileAt, tilePath } from './tile.ts';
import { Edge } from './tree.ts';

/** Where the newest signed head of a log lies below its prefix. */
export const CHECKPOINT_PATH = 'checkpoint';

/** A checkpoint of this log that somebody keeps apart from it, and who. Its signature has been proven. */
export interface KnownCheckpoint {
  readonly checkpoint: SignedCheckpoint;
  readonly from: string;
}

/**
 * Bundles in a row of which neither entries nor hashes are there, after which a log is read no further: a checkpoint may name any size,
 * and a log that ends before it ends within these.
 */
const MISSING_MAX = 256;

export interface InspectOptions {
  /** Against these the log is held: it must still begin with each. */
  readonly known?: readonly KnownCheckpoint[];
  /** Told of every entry that is there, in order. */
  readonly onEntry?: (entry: Uint8Array, index: number) => void;
}

export interface Inspection {
  /** Undefined where there is none that this key has signed. */
  readonly checkpoint: SignedCheckpoint | undefined;
  /** Entries that were read. */
  readonly entries: number;
  /** Empty: every byte that the checkpoint covers is what was logged. */
  readonly findings: readonly LogFinding[];
}

/**
 * Checks a whole log with its public key alone: the checkpoint's signature, every entry against its leaf hash, every hash against its
 * subtree, the root against the checkpoint, and checkpoints known from elsewhere against this history. Names what is wrong and where.
 */
export async function inspectLog(files: LogFiles, key: NoteKey, options: InspectOptions = {}): Promise<Inspection> {
  const findings: LogFinding[] = [];
  const checkpoint = await headOf(files, key, findings);
  if (!checkpoint) return { checkpoint, entries: 0, findings };
  const known = options.known ?? [];
  const walk = await walkEntries(files, checkpoint.size, known, options.onEntry);
  const root = walk.broken ? undefined : walk.edge.root();
  const whole = root !== undefined && sameHash(root, checkpoint.root);
  const below = [...walk.findings, ...(whole ? walk.disagreements.flatMap(blame) : blameEntries(walk.disagreements))];
  // Where an entry is wrong, so are all hashes above it: they are no news.
  const above = whole || below.length === 0 ? await upperTiles(files, checkpoint.size, walk.nodes, whole) : [];
  const damage = [...below, ...above];
  findings.push(...damage);
  if (root && !whole && damage.length === 0) findings.push(rootMismatch(checkpoint));
  for (const each of known) findings.push(...compare(each, checkpoint, whole ? walk.roots.get(each.checkpoint.size) : undefined));
  return { checkpoint, entries: walk.entries, findings };
}

async function headOf(files: LogFiles, key: NoteKey, findings: LogFinding[]): Promise<SignedCheckpoint | undefined> {
  const bytes = await files.read(CHECKPOINT_PATH);
  try {
    if (!bytes) throw new LogFault('CHECKPOINT_MISSING', CHECKPOINT_PATH, 'the log has no checkpoint');
    return openCheckpoint(Buffer.from(bytes).toString('utf8'), key);
  } catch (caught) {
    findings.push(findingOf(caught));
    return undefined;
  }
}

interface Walk {
  readonly edge: Edge;
  /** Roots at the sizes that were asked for. */
  readonly roots: ReadonlyMap<number, Uint8Array>;
  /** Hashes of complete subtrees of 256, 256^2, ... leaves: what upper tiles must hold, by level. */
  readonly nodes: readonly (readonly Uint8Array[])[];
  readonly disagreements: readonly Disagreement[];
  readonly findings: readonly LogFinding[];
  readonly entries: number;
  /** Neither entries nor hashes are there for some range, so no root can be had. */
  readonly broken: boolean;
}

async function walkEntries(
  files: LogFiles,
  size: number,
  known: readonly KnownCheckpoint[],
  onEntry: (entry: Uint8Array, index: number) => void = () => {},
): Promise<Walk> {
  const edge = Edge.empty();
  const roots = new Map<number, Uint8Array>();
  const wanted = new Set(known.map(({ checkpoint }) => checkpoint.size));
  const nodes: Uint8Array[][] = [];
  const disagreements: Disagreement[] = [];
  const findings: LogFinding[] = [];
  let [entries, broken] = [0, false];
  let [bundle, missing] = [0, 0];
  for (; bundle * TILE_WIDTH < size && missing < MISSING_MAX; bundle += 1) {
    const tile = bundleOf(bundle * TILE_WIDTH, size);
    const [there, hashes] = [await readEntries(files, tile, size), await readLeafHashes(files, bundle, size)];
    if (there instanceof LogFault) findings.push(there.finding);
    else there.slice(0, tile.width).forEach((entry, at) => onEntry(entry, bundle * TILE_WIDTH + at));
    if (hashes instanceof LogFault) findings.push(hashes.finding);
    const computed = there instanceof LogFault ? undefined : there.map(leafHash);
    entries += computed?.length ?? 0;
    if (computed && !(hashes instanceof LogFault) && !sameHashes(computed, hashes))
      disagreements.push({ bundle, path: tilePath(tile), entries: computed, tile: hashes });
    const leaves = computed?.length === tile.width ? computed : hashes instanceof LogFault ? undefined : hashes;
    missing = isMissing(there) && isMissing(hashes) ? missing + 1 : 0;
    if (!leaves) broken = true;
    for (const leaf of leaves ?? []) {
      edge.appendHash(leaf, (level, _index, hash) => {
        if (level > 0 && level % TILE_HEIGHT === 0) (nodes[level / TILE_HEIGHT] ??= []).push(hash);
      });
      if (wanted.has(edge.size)) roots.set(edge.size, edge.root());
    }
  }
  return { edge, roots, nodes, disagreements, findings: tailFirst(findings, size, bundle), entries, broken };
}

async function readEntries(files: LogFiles, tile: Tile, size: number): Promise<readonly Uint8Array[] | LogFault> {
  const path = tilePath(tile);
  try {
    const bytes = await readTile(files, tile);
    if (!bytes) {
      const last = Math.min(size, (tile.index + 1) * TILE_WIDTH) - 1;
      throw new LogFault('BUNDLE_MISSING', path, `entries ${tile.index * TILE_WIDTH} to ${last} are gone: ${path} is not there`);
    }
    const entries = decodeBundle(bytes, path);
    // The full bundle that has replaced a partial one may hold more than the checkpoint covers.
    const replaced = entries.length === TILE_WIDTH && tile.width < TILE_WIDTH;
    return replaced ? entries.slice(0, tile.width) : entries;
  } catch (caught) {
    if (caught instanceof LogFault) return caught;
    throw caught;
  }
}

async function readLeafHashes(files: LogFiles, index: number, size: number): Promise<readonly Uint8Array[] | LogFault> {
  try {
    return await readHashes(files, tileAt(0, index, size));
  } catch (caught) {
    if (caught instanceof LogFault) return caught;
    throw caught;
  }
}

function isMissing(read: readonly Uint8Array[] | LogFault): boolean {
  return read instanceof LogFault && (read.code === 'BUNDLE_MISSING' || read.code === 'TILE_MISSING');
}

/** Bundles that are missing up to the last that was looked for are one finding: the tail was cut. */
function tailFirst(findings: readonly LogFinding[], size: number, bundles: number): readonly LogFinding[] {
  const last = bundles - 1;
  let first = last + 1;
  const missing = new Set(findings.filter(({ code }) => code === 'BUNDLE_MISSING').map(({ where }) => where));
  while (first > 0 && missing.has(tilePath(bundleOf((first - 1) * TILE_WIDTH, size)))) first -= 1;
  if (first > last) return findings;
  const cut = new Set(
    Array.from({ length: last + 1 - first }, (_, at) => [
      tilePath(bundleOf((first + at) * TILE_WIDTH, size)),
      tilePath(tileAt(0, first + at, size)),
    ]).flat(),
  );
  const finding: LogFinding = {
    code: 'TAIL_CUT',
    where: tilePath(bundleOf(first * TILE_WIDTH, size)),
    message: `the log ends after ${first * TILE_WIDTH} entries, its checkpoint covers ${size}`,
  };
  return [...findings.filter(({ where }) => !cut.has(where)), finding];
}

/** The signed root is reached. Where all entries were there to reach it, the hash beside them is wrong; else the entries are. */
function blame(each: Disagreement): readonly LogFinding[] {
  return each.entries.length === each.tile.length ? [blameTile(each)] : diagnose(each);
}

function blameTile({ bundle, path, entries, tile }: Disagreement): LogFinding {
  const at = tile.findIndex((hash, index) => !entries[index] || !sameHash(hash, entries[index]));
  const where = path.replace('/entries/', '/0/');
  return {
    code: 'TILE_CHANGED',
    where: `hash ${at} in ${where}`,
    message: `hash ${at} in ${where} is not that of entry ${bundle * TILE_WIDTH + Math.max(at, 0)}, which the signed root covers`,
  };
}

/** An entry that is gone moves all later bundles up: only the first of a row is news. */
function blameEntries(disagreements: readonly Disagreement[]): readonly LogFinding[] {
  let droppedIn = -2;
  return disagreements.flatMap((each) => {
    const found = diagnose(each);
    const dropped = found[0]?.code === 'ENTRY_DROPPED';
    const continues =
      dropped && each.bundle === droppedIn + 1 && found[0]?.where.startsWith(`entry ${each.bundle * TILE_WIDTH} `);
    if (dropped) droppedIn = each.bundle;
    return continues ? [] : found;
  });
}

/** Levels above the leaves: what is stored against what the entries give. */
async function upperTiles(files: LogFiles, size: number, nodes: Walk['nodes'], whole: boolean): Promise<readonly LogFinding[]> {
  const findings: LogFinding[] = [];
  for (let level = 1; Math.floor(size / TILE_WIDTH ** level) > 0; level += 1) {
    const count = Math.floor(size / TILE_WIDTH ** level);
    for (let index = 0; index * TILE_WIDTH < count; index += 1) {
      const tile = tileAt(level, index, size);
      try {
        const hashes = await readHashes(files, tile);
        const at = hashes.findIndex((hash, place) => {
          const computed = nodes[level]?.[index * TILE_WIDTH + place];
          return computed !== undefined && !sameHash(hash, computed);
        });
        if (at >= 0) findings.push(contradiction(tile, at, whole));
      } catch (caught) {
        if (!(caught instanceof LogFault)) throw caught;
        findings.push(caught.finding);
      }
    }
  }
  return findings;
}

function contradiction(tile: Tile, at: number, whole: boolean): LogFinding {
  const path = tilePath(tile);
  const level = typeof tile.level === 'number' ? tile.level : 0;
  const span = TILE_WIDTH ** level;
  const first = (tile.index * TILE_WIDTH + at) * span;
  const [code, because] = whole
    ? (['TILE_CHANGED', 'while the entries lead to the signed root'] as const)
    : (['ENTRY_CHANGED', 'so an entry among them was changed, or this hash'] as const);
  return {
    code,
    where: `hash ${at} in ${path}`,
    message: `hash ${at} in ${path} is not that of entries ${first} to ${first + span - 1}, ${because}`,
  };
}

function rootMismatch({ size }: SignedCheckpoint): LogFinding {
  return {
    code: 'ROOT_MISMATCH',
    where: CHECKPOINT_PATH,
    message: `the ${size} entries and their hashes agree with each other, but not with the signed root: they were rewritten together`,
  };
}

function compare(
  { checkpoint: known, from }: KnownCheckpoint,
  now: SignedCheckpoint,
  root: Uint8Array | undefined,
): LogFinding[] {
  if (known.size > now.size) {
    const message = `the checkpoint covers ${now.size} entries, but one of ${known.size} was seen (${from}): an older state was put back`;
    return [{ code: 'ROLLED_BACK', where: CHECKPOINT_PATH, message }];
  }
  const differs =
    known.size === now.size ? !sameHash(known.root, now.root) : root && known.size > 0 && !sameHash(known.root, root);
  if (!differs) return [];
  const message = `the first ${known.size} entries are not those of the checkpoint that was seen (${from}): the history has been forked`;
  return [{ code: 'FORKED', where: CHECKPOINT_PATH, message }];
}

function sameHashes(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((hash, at) => sameHash(hash, b[at] as Uint8Array));
}

function findingOf(caught: unknown): LogFinding {
  if (caught instanceof LogFault) return caught.finding;
  throw caught;
}
