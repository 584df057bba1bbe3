import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { finding, type FindingCode, TrustError } from '../finding.ts';
import type { ManifestEntry } from '../lock.ts';
import { type ArtifactHandle, asyncDisk, type Disk } from './disk.ts';

const SETUID_OR_SETGID = 0o6000n;
const ROOT_UID = 0n;

export interface OpenArtifact {
  readonly handle: ArtifactHandle;
  readonly stats: BigIntStats;
}

/**
 * Opens the file of a manifest entry, once: no link in any component, a regular file with one name, of the signed size, owned by
 * this user or root. Throws TrustError with the finding's code. Closing the handle is the caller's.
 */
export async function openArtifact(
  root: string,
  entry: Pick<ManifestEntry, 'id' | 'path' | 'size'>,
  disk: Disk = asyncDisk,
): Promise<OpenArtifact> {
  const path = join(await rootOf(root, disk), entry.path);
  await assertPlainParents(root, entry, disk);
  const handle = await refusing(entry, () => disk.open(path));
  try {
    const stats = await handle.stat({ bigint: true });
    assertPlainFile(stats, entry);
    await assertNotMoved(handle, path, entry, disk);
    if (stats.size !== BigInt(entry.size))
      throw refuse('SIZE_MISMATCH', entry, `has ${stats.size} bytes; the lock says ${entry.size}`);
    return { handle, stats };
  } catch (caught) {
    await handle.close();
    throw caught;
  }
}

/** Throws when the file was written to, grew or was exchanged since it was opened. */
export async function assertUnchanged(
  { handle, stats: before }: OpenArtifact,
  entry: Pick<ManifestEntry, 'id' | 'path'>,
): Promise<void> {
  const after = await handle.stat({ bigint: true });
  if (after.size !== before.size) throw refuse('GREW_WHILE_READ', entry, 'changed its size while it was read');
  if (after.mtimeNs !== before.mtimeNs || after.ctimeNs !== before.ctimeNs)
    throw refuse('CHANGED_WHILE_READ', entry, 'was changed while it was read');
}

export function refuse(
  code: FindingCode,
  { id, path }: Pick<ManifestEntry, 'id' | 'path'>,
  what: string,
  cause?: unknown,
): TrustError {
  const message = `artifact ${id} (${path}) ${what}`;
  return new TrustError(code, message, cause, [finding(code, message, id)]);
}

/** The root itself may lie behind links: it is the operator's word, not the lock's. */
async function rootOf(root: string, disk: Disk): Promise<string> {
  try {
    return await disk.realpath(root);
  } catch {
    return root;
  }
}

async function assertPlainParents(root: string, entry: Pick<ManifestEntry, 'id' | 'path'>, disk: Disk): Promise<void> {
  const parents = entry.path.split('/').slice(0, -1);
  for (let depth = 1; depth <= parents.length; depth += 1) {
    const stats = await refusing(entry, () => disk.lstat(join(root, ...parents.slice(0, depth))));
    if (stats.isSymbolicLink())
      throw refuse(
        'FILE_SYMLINK',
        entry,
        `lies behind a symbolic link, ${parents.slice(0, depth).join('/')}: replace the link by a folder`,
      );
    if (!stats.isDirectory())
      throw refuse('FILE_NOT_REGULAR', entry, `lies below ${parents.slice(0, depth).join('/')}, which is no folder`);
  }
}

function assertPlainFile(stats: BigIntStats, entry: Pick<ManifestEntry, 'id' | 'path'>): void {
  if (!stats.isFile()) throw refuse('FILE_NOT_REGULAR', entry, 'is no regular file');
  if (stats.nlink !== 1n)
    throw refuse('FILE_HARD_LINK', entry, `has ${stats.nlink} names: copy it, so that nobody else holds it`);
  if ((stats.mode & SETUID_OR_SETGID) !== 0n) throw refuse('FILE_SETUID', entry, 'is setuid or setgid: chmod it');
  if (stats.uid !== ROOT_UID && stats.uid !== BigInt(process.getuid?.() ?? 0))
    throw refuse('FILE_FOREIGN_OWNER', entry, `belongs to user ${stats.uid}: chown it`);
}

/** A parent exchanged between the look and the open shows in the descriptor's own path. Linux alone tells it. */
async function assertNotMoved(
  handle: ArtifactHandle,
  path: string,
  entry: Pick<ManifestEntry, 'id' | 'path'>,
  disk: Disk,
): Promise<void> {
  const actual = await openedAt(handle, disk);
  if (actual !== undefined && actual !== path)
    throw refuse('FILE_SYMLINK', entry, 'was opened in another place than it is listed');
}

async function openedAt({ fd }: ArtifactHandle, disk: Disk): Promise<string | undefined> {
  try {
    return await disk.readlink(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}

/** What the system refuses is a finding. */
async function refusing<T>(entry: Pick<ManifestEntry, 'id' | 'path'>, ask: () => T | Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (caught) {
    throw whyNotOpened(caught as NodeJS.ErrnoException, entry);
  }
}

function whyNotOpened(caught: NodeJS.ErrnoException, entry: Pick<ManifestEntry, 'id' | 'path'>): TrustError {
  switch (caught.code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return refuse('ARTIFACT_MISSING', entry, 'is missing: fetch it with "smartlite models pull"', caught);
    case 'ELOOP':
      return refuse('FILE_SYMLINK', entry, 'is a symbolic link: replace it by the file', caught);
    case 'ENXIO':
    case 'ENODEV':
      return refuse('FILE_NOT_REGULAR', entry, 'is no regular file', caught);
    default:
      return refuse('FILE_UNREADABLE', entry, `cannot be read (${caught.code ?? 'unknown'})`, caught);
  }
}
