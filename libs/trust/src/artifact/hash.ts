import type { FileHandle } from 'node:fs/promises';
import type { ManifestEntry } from '../lock.ts';
import { assertFormat, HEAD_BYTES } from './format.ts';
import { assertUnchanged, openArtifact, refuse } from './open.ts';
import { ArtifactHash } from './tree.ts';

/** Two buffers of this size: the next part is read while the last one is hashed. */
const READ_BYTES = 1024 * 1024;

export interface Hashed {
  readonly sha256: Buffer;
  readonly tree: Buffer;
}

/** Reads an artifact once, start to end, and hashes it. Memory is bounded by two buffers. Throws TrustError for what stands in the way. */
export async function hashArtifact(root: string, entry: Pick<ManifestEntry, 'id' | 'path' | 'size' | 'format'>): Promise<Hashed> {
  const file = await openArtifact(root, entry);
  try {
    const hash = new ArtifactHash();
    for await (const part of parts(file.handle, entry)) hash.update(part);
    await assertUnchanged(file, entry);
    return hash.digest();
  } finally {
    await file.handle.close();
  }
}

async function* parts(
  handle: FileHandle,
  entry: Pick<ManifestEntry, 'id' | 'path' | 'size' | 'format'>,
): AsyncIterable<Uint8Array> {
  const buffers = [Buffer.alloc(READ_BYTES), Buffer.alloc(READ_BYTES)] as const;
  const read = (at: number, turn: number) =>
    handle.read(buffers[turn % 2 === 0 ? 0 : 1], 0, Math.min(READ_BYTES, entry.size - at), at);
  let pending = entry.size > 0 ? read(0, 0) : undefined;
  for (let at = 0, turn = 0; pending; turn += 1) {
    const { bytesRead, buffer } = await pending;
    if (bytesRead === 0) throw refuse('GREW_WHILE_READ', entry, 'became shorter while it was read');
    if (at === 0) assertFormat(buffer.subarray(0, Math.min(bytesRead, HEAD_BYTES)), entry);
    at += bytesRead;
    pending = at < entry.size ? read(at, turn + 1) : undefined;
    yield buffer.subarray(0, bytesRead);
  }
}
