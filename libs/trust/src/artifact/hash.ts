import { TrustError } from '../finding.ts';
import { type ArtifactHandle, asyncDisk, blockingDisk } from './disk.ts';
import { assertFormat, HEAD_BYTES } from './format.ts';
import { assertUnchanged, type OpenArtifact, openArtifact, refuse } from './open.ts';
import { type Hashable, type HashedPiece, type Piece, wholeOf } from './piece.ts';
import { ArtifactHash, CHUNK_BYTES, treeRoot } from './tree.ts';

/** Two buffers of this size, so that the next part can be read while the last one is hashed; both fit the second-level cache. */
const READ_BYTES = 1024 * 1024;

export interface HashOptions {
  /** In a thread of its own all I/O may block: that costs least. */
  readonly blocking?: boolean;
  readonly onBytes?: (count: number) => void;
}

export interface Hashed {
  readonly sha256: Buffer;
  readonly tree: Buffer;
  /** Leaf hashes of the tree, a chunk each. */
  readonly leaves: readonly Buffer[];
}

/** Reads an artifact once, start to end, and hashes it both ways. Memory is bounded by two buffers. Throws TrustError for what stands in the way. */
export async function hashArtifact(root: string, entry: Hashable, options: HashOptions = {}): Promise<Hashed> {
  const { sha256, leaves = [] } = await hashPiece(root, { ...wholeOf(entry), flat: true, tree: true }, options);
  const buffers = leaves.map((leaf) => Buffer.from(leaf));
  return { sha256: Buffer.from(sha256 ?? []), tree: treeRoot(buffers), leaves: buffers };
}

/** Hashes what one thread does at a time. Throws TrustError with the finding: what the disk refuses is one, not a crash. */
export async function hashPiece(root: string, piece: Piece, options: HashOptions = {}): Promise<HashedPiece> {
  const { entry, flat, tree, first } = piece;
  const file = await openArtifact(root, entry, options.blocking ? blockingDisk : asyncDisk);
  try {
    const hash = new ArtifactHash({ flat, tree });
    for await (const part of parts(file.handle, piece, options)) hash.update(part);
    await assertUnchanged(file, entry);
    return { first, state: stateOf(file), ...(flat && { sha256: hash.sha256() }), ...(tree && { leaves: hash.leaves() }) };
  } catch (caught) {
    if (caught instanceof TrustError || (caught as NodeJS.ErrnoException).code === undefined) throw caught;
    throw refuse('FILE_UNREADABLE', entry, `cannot be read (${(caught as NodeJS.ErrnoException).code})`, caught);
  } finally {
    await file.handle.close();
  }
}

/** The very file and the state it is in. */
function stateOf({ stats: { dev, ino, size, mtimeNs, ctimeNs } }: OpenArtifact): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

const buffer = () => Buffer.allocUnsafeSlow(READ_BYTES);
let ofThread: Buffer | undefined;

/** A thread that blocks while it reads hashes one piece at a time: one buffer serves it for its life. */
function threadBuffer(): Buffer {
  return (ofThread ??= buffer());
}

async function* parts(
  handle: ArtifactHandle,
  { entry, first, count }: Piece,
  { blocking = false, onBytes }: HashOptions,
): AsyncIterable<Uint8Array> {
  const from = first * CHUNK_BYTES;
  const to = Math.min(entry.size, from + count * CHUNK_BYTES);
  const buffers = blocking ? ([threadBuffer(), threadBuffer()] as const) : ([buffer(), buffer()] as const);
  const read = async (at: number, turn: number) => {
    const into = buffers[turn % 2 === 0 ? 0 : 1];
    return into.subarray(0, (await handle.read(into, 0, Math.min(READ_BYTES, to - at), at)).bytesRead);
  };
  let pending = from < to ? read(from, 0) : undefined;
  for (let at = from, turn = 0; pending; turn += 1) {
    const part = await pending;
    if (part.length === 0) throw refuse('GREW_WHILE_READ', entry, 'became shorter while it was read');
    if (at === 0) assertFormat(part.subarray(0, HEAD_BYTES), entry);
    at += part.length;
    // One buffer is enough where reading blocks: it must not be read into before it is hashed.
    const ahead = !blocking && at < to ? read(at, turn + 1) : undefined;
    yield part;
    onBytes?.(part.length);
    pending = ahead ?? (at < to ? read(at, turn + 1) : undefined);
  }
}
