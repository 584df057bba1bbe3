import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { TrustError } from '../finding.ts';
import type { ManifestEntry } from '../lock.ts';
import { assertFormat, HEAD_BYTES } from './format.ts';
import { assertUnchanged, type OpenArtifact, openArtifact, refuse } from './open.ts';
import { ArtifactHash, CHUNK_BYTES } from './tree.ts';

/** Two buffers of this size, so that the next part can be read while the last one is hashed; both fit the second-level cache. */
const READ_BYTES = 1024 * 1024;

/** What must be known of an artifact to hash it. */
export type Hashable = Pick<ManifestEntry, 'id' | 'path' | 'size' | 'format'>;

export interface Hashed {
  readonly sha256: Buffer;
  readonly tree: Buffer;
}

export interface HashOptions {
  /** In a thread of its own reading may block: that costs least. */
  readonly blocking?: boolean;
  readonly onBytes?: (count: number) => void;
}

/** Reads an artifact once, start to end, and hashes it both ways. Memory is bounded by two buffers. Throws TrustError for what stands in the way. */
export function hashArtifact(root: string, entry: Hashable, options: HashOptions = {}): Promise<Hashed> {
  return reading(root, entry, async (file) => {
    const hash = new ArtifactHash();
    for await (const part of parts(file.handle, entry, { from: 0, to: entry.size }, options)) hash.update(part);
    return hash.digest();
  });
}

/** Flat SHA-256 alone: half of the work. */
export function hashFlat(root: string, entry: Hashable, options: HashOptions = {}): Promise<Buffer> {
  return reading(root, entry, async (file) => {
    const hash = createHash('sha256');
    for await (const part of parts(file.handle, entry, { from: 0, to: entry.size }, options)) hash.update(part);
    return hash.digest();
  });
}

/** Leaf hashes of some chunks, and which very file and state of it they are of: pieces of one artifact must agree in that. */
export interface HashedChunks {
  readonly leaves: readonly Buffer[];
  readonly state: string;
}

/** Leaf hashes of `count` chunks from `first`: the piece of one artifact that one core works on. */
export function hashChunks(
  root: string,
  entry: Hashable,
  { first, count }: { readonly first: number; readonly count: number },
  options: HashOptions = {},
): Promise<HashedChunks> {
  const from = first * CHUNK_BYTES;
  const to = Math.min(entry.size, from + count * CHUNK_BYTES);
  return reading(root, entry, async (file) => {
    const hash = new ArtifactHash({ flat: false });
    for await (const part of parts(file.handle, entry, { from, to }, options)) hash.update(part);
    const { dev, ino, size, mtimeNs, ctimeNs } = file.stats;
    return { leaves: hash.leaves(), state: [dev, ino, size, mtimeNs, ctimeNs].join(':') };
  });
}

/** Opens, works, and looks whether the file stayed as it was. What the disk refuses is a finding, not a crash. */
async function reading<T>(root: string, entry: Hashable, work: (file: OpenArtifact) => Promise<T>): Promise<T> {
  const file = await openArtifact(root, entry);
  try {
    const result = await work(file);
    await assertUnchanged(file, entry);
    return result;
  } catch (caught) {
    if (caught instanceof TrustError || (caught as NodeJS.ErrnoException).code === undefined) throw caught;
    throw refuse('FILE_UNREADABLE', entry, `cannot be read (${(caught as NodeJS.ErrnoException).code})`, caught);
  } finally {
    await file.handle.close();
  }
}

const buffer = () => Buffer.allocUnsafeSlow(READ_BYTES);
let ofThread: Buffer | undefined;

/** A thread that blocks while it reads hashes one piece at a time: one buffer serves it for its life. */
function threadBuffer(): Buffer {
  return (ofThread ??= buffer());
}

async function* parts(
  handle: FileHandle,
  entry: Hashable,
  { from, to }: { readonly from: number; readonly to: number },
  { blocking = false, onBytes }: HashOptions,
): AsyncIterable<Uint8Array> {
  const buffers = blocking ? ([threadBuffer(), threadBuffer()] as const) : ([buffer(), buffer()] as const);
  const read = async (at: number, turn: number) => {
    const into = buffers[turn % 2 === 0 ? 0 : 1];
    const length = Math.min(READ_BYTES, to - at);
    const bytesRead = blocking ? readSync(handle.fd, into, 0, length, at) : (await handle.read(into, 0, length, at)).bytesRead;
    return into.subarray(0, bytesRead);
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
