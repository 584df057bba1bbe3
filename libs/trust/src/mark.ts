import { renameSync } from 'node:fs';
import { open, rm, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { TrustError } from './finding.ts';
import { readBounded } from './readfile.ts';
import type { TrustDocument } from './trustdocument.ts';

/** A lock may be at most so far above the highest one seen: else a thief of the key could jump to the end and lock everybody out. */
const SEQUENCE_JUMP_MAX = 2 ** 16;

/** A mark has five short fields. */
const MARK_BYTES_MAX = 4_096;

const schema = z.strictObject({
  format: z.literal('smartlite-mark/1'),
  generation: z.number().int().positive(),
  sequence: z.number().int().nonnegative(),
  digest: z.string(),
  /** Highest time that any verified object carries: a clock below it is wrong. */
  issuedUnixMs: z.number(),
});

/** The highest lock that this host has ever verified. Older ones are refused. */
export type Mark = z.infer<typeof schema>;

/** undefined when there is none yet. A mark that cannot be read is an error: silently starting afresh would allow a rollback. */
export async function readMark(path: string): Promise<Mark | undefined> {
  try {
    return schema.parse(JSON.parse(Buffer.from(await readBounded(path, MARK_BYTES_MAX)).toString()));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    // What the disk refuses proves no rollback.
    if (typeof code === 'string') throw cause;
    throw new TrustError(
      'SEQUENCE_ROLLED_BACK',
      `${path} cannot be read; restore it, or accept that order is lost by deleting it`,
      cause,
    );
  }
}

/** Durable before it returns: file and folder are on disk, and no half-written mark is ever seen. */
export async function writeMark(path: string, mark: Mark): Promise<void> {
  await writeAtomically(path, `${JSON.stringify(mark, null, 2)}\n`);
}

/** Two writes of one process never share a temporary file. */
let writes = 0;

/**
 * Temporary file, fsync, rename, fsync of the folder. Returns false, with the file as it was, where `still` says at the last moment
 * before the rename that it should not be replaced any more. Whatever goes wrong before that, nothing is left beside the file.
 */
export async function writeAtomically(
  path: string,
  content: string | Uint8Array,
  mode = 0o644,
  still: () => boolean = () => true,
): Promise<boolean> {
  writes += 1;
  const temporary = `${path}.${process.pid}-${writes}.partial`;
  try {
    await writeSynced(temporary, content, mode);
    if (!still()) {
      await unlink(temporary);
      return false;
    }
    // In the same step as the question: nothing else of this process, and hardly anything of another, comes in between.
    renameSync(temporary, path);
  } catch (caught) {
    await rm(temporary, { force: true });
    throw caught;
  }
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
  return true;
}

async function writeSynced(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const file = await open(path, 'w', mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Throws where a lock is below what this host, or the trust document, has seen; or too far above it. */
export function assertOrder(
  lock: { readonly generation: number; readonly sequence: number; readonly previous: string | null },
  digest: string,
  mark: Mark | undefined,
  trust: TrustDocument,
): void {
  if (lock.generation !== trust.generation) {
    throw new TrustError(
      'GENERATION_MISMATCH',
      `the lock is of generation ${lock.generation}; the trust document of ${trust.generation}`,
    );
  }
  if (lock.sequence < trust.min_sequence) throw rolledBack(lock.sequence, trust.min_sequence);
  if (!mark || mark.generation < lock.generation) return assertNoJump(lock.sequence, trust.min_sequence);
  if (mark.generation > lock.generation || lock.sequence < mark.sequence) throw rolledBack(lock.sequence, mark.sequence);
  if (lock.sequence === mark.sequence && digest !== mark.digest) {
    throw new TrustError(
      'SEQUENCE_ROLLED_BACK',
      `another lock with sequence ${mark.sequence} was trusted before: raise the sequence and sign anew`,
    );
  }
  assertNoJump(lock.sequence, mark.sequence);
  if (lock.sequence === mark.sequence + 1 && lock.previous !== mark.digest) {
    throw new TrustError(
      'PREVIOUS_MISMATCH',
      `lock ${lock.sequence} does not follow the lock ${mark.sequence} that was trusted here: sign it upon that one`,
    );
  }
}

function assertNoJump(sequence: number, known: number): void {
  if (sequence - known <= SEQUENCE_JUMP_MAX) return;
  throw new TrustError(
    'SEQUENCE_JUMPED',
    `sequence ${sequence} is more than ${SEQUENCE_JUMP_MAX} above ${known}: start a new generation`,
  );
}

function rolledBack(sequence: number, seen: number): TrustError {
  return new TrustError(
    'SEQUENCE_ROLLED_BACK',
    `sequence ${sequence} is below ${seen}, which was trusted before: an older lock is never accepted`,
  );
}
