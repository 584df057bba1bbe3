import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, sha256Hex } from '../digest.ts';
import type { Lock, ManifestEntry } from '../lock.ts';
import { asVerified, type Verified } from '../verified.ts';
import type { ArtifactHandle } from './disk.ts';
import { assertFormat, HEAD_BYTES } from './format.ts';
import { assertUnchanged, openArtifact, refuse } from './open.ts';

/** Largest artifact that is taken as one buffer; larger ones belong to runtimes that take a file. */
const BUFFER_BYTES_MAX = 2 ** 31 - 1;
/** Read at once: fits the second-level cache. */
const READ_BYTES = 1024 * 1024;

/** Bytes in private memory that match the lock. */
export interface ArtifactBytes {
  readonly id: string;
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

/** A private copy that matches the lock: already unlinked, reachable by this process alone. */
export interface ArtifactFile {
  readonly id: string;
  readonly digest: Digest;
  /** Below /proc/self/fd. */
  readonly path: string;
  /** Reads the copy again through the held descriptor: after a runtime has loaded it, it must still be what was hashed. */
  verifyAgain(): Promise<void>;
  close(): Promise<void>;
}

/** The manifest's entry for an artifact. An unlisted one is refused. */
export function entryOf(lock: Verified<Lock>, id: string): ManifestEntry {
  const entry = lock.manifest.find((each) => each.id === id);
  if (!entry) throw refuse('PACK_NOT_COVERED', { id, path: '?' }, 'is not in the lock');
  return entry;
}

/**
 * Opens the artifact once, reads it into private memory, hashes what was read, and gives exactly that: `verified-bytes`.
 * Throws TrustError with the finding.
 */
export async function loadArtifact(root: string, lock: Verified<Lock>, id: string): Promise<Verified<ArtifactBytes>> {
  const entry = entryOf(lock, id);
  if (entry.size > BUFFER_BYTES_MAX)
    throw refuse('SIZE_MISMATCH', entry, 'is too large for one buffer; its runtime must take a file');
  const file = await openArtifact(root, entry);
  try {
    const bytes = Buffer.alloc(entry.size);
    await readWhole(file.handle, bytes, entry);
    await assertUnchanged(file, entry);
    if (sha256Hex(bytes) !== entry.sha256) throw mismatch(entry);
    assertFormat(bytes.subarray(0, HEAD_BYTES), entry);
    return asVerified({ id, digest: digestOfEntry(entry), bytes });
  } finally {
    await file.handle.close();
  }
}

/**
 * For runtimes that insist on a path: copies into a fresh 0700 folder below `scratch`, hashing what is written, unlinks the copy and
 * gives its descriptor's path. Nobody else can open it; the original may change without harm.
 */
export async function loadArtifactToPrivateFile(
  root: string,
  lock: Verified<Lock>,
  id: string,
  scratch: string,
): Promise<Verified<ArtifactFile>> {
  const entry = entryOf(lock, id);
  const folder = await mkdtemp(join(scratch, 'artifact-'));
  const copy = await newFile(join(folder, 'copy')).catch(async (caught: unknown) => {
    await rm(folder, { recursive: true });
    throw caught;
  });
  try {
    await rm(folder, { recursive: true });
    await copyAndHash(root, entry, copy);
    const verifyAgain = async () => {
      if ((await hashWhole(copy, entry.size)) !== entry.sha256) throw mismatch(entry);
    };
    await verifyAgain();
    return asVerified({
      id,
      digest: digestOfEntry(entry),
      path: `/proc/self/fd/${copy.fd}`,
      verifyAgain,
      close: () => copy.close(),
    });
  } catch (caught) {
    await copy.close();
    throw caught;
  }
}

function newFile(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
}

/** A disk that is nearly full takes a part; the next write then says why. */
async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; )
    done += (await file.write(bytes, done, bytes.byteLength - done, position + done)).bytesWritten;
}

async function copyAndHash(root: string, entry: ManifestEntry, copy: FileHandle): Promise<void> {
  const file = await openArtifact(root, entry);
  try {
    const hash = createHash('sha256');
    const buffer = Buffer.alloc(READ_BYTES);
    for (let at = 0; at < entry.size; ) {
      const { bytesRead } = await file.handle.read(buffer, 0, Math.min(READ_BYTES, entry.size - at), at);
      if (bytesRead === 0) throw refuse('GREW_WHILE_READ', entry, 'became shorter while it was read');
      const chunk = buffer.subarray(0, bytesRead);
      if (at === 0) assertFormat(chunk.subarray(0, HEAD_BYTES), entry);
      hash.update(chunk);
      await writeAll(copy, chunk, at);
      at += bytesRead;
    }
    await assertUnchanged(file, entry);
    if (hash.digest('hex') !== entry.sha256) throw mismatch(entry);
  } finally {
    await file.handle.close();
  }
}

async function readWhole(handle: ArtifactHandle, bytes: Buffer, entry: ManifestEntry): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, at, Math.min(READ_BYTES, bytes.length - at), at);
    if (bytesRead === 0) throw refuse('GREW_WHILE_READ', entry, 'became shorter while it was read');
    at += bytesRead;
  }
}

async function hashWhole(handle: ArtifactHandle, size: number): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(READ_BYTES);
  for (let at = 0; at < size; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(READ_BYTES, size - at), at);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash.digest('hex');
}

function mismatch(entry: ManifestEntry): Error {
  return refuse('DIGEST_MISMATCH', entry, 'does not match the lock: restore the file, or sign the new one');
}

function digestOfEntry({ sha256 }: ManifestEntry): Digest {
  return `sha256:${sha256}`;
}
