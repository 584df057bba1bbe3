import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact } from '@smartlite/trust';
import { z } from 'zod';

/** What the last pull has seen, so that the next one need not read 150 MB again. No proof of anything: every load reads the bytes. */
const recordSchema = z.object({
  packDigest: z.string(),
  files: z.array(z.object({ path: z.string(), sha256: z.string(), size: z.number(), mtimeMs: z.number() })),
});
export type PullRecord = z.infer<typeof recordSchema>;
type RecordedFile = PullRecord['files'][number];

export async function readRecord(path: string): Promise<PullRecord> {
  try {
    return recordSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return { packDigest: '', files: [] }; // Absent, or cut short by a crash: everything is looked at again.
  }
}

export async function writeRecord(path: string, record: PullRecord): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** The artifact's file as a record line; undefined when it is not there or holds other bytes. */
export async function findPresent(root: string, artifact: Artifact, record: PullRecord): Promise<RecordedFile | undefined> {
  const found = await stat(join(root, artifact.path)).catch(() => undefined);
  if (!found?.isFile() || found.size !== artifact.size) return undefined;
  const line = lineOf(artifact, found);
  if (record.files.some((known) => sameLine(known, line))) return line;
  return (await sha256Of(join(root, artifact.path))) === artifact.sha256 ? line : undefined;
}

function lineOf(artifact: Artifact, found: Stats): RecordedFile {
  return { path: artifact.path, sha256: artifact.sha256, size: found.size, mtimeMs: found.mtimeMs };
}

function sameLine(a: RecordedFile, b: RecordedFile): boolean {
  return a.path === b.path && a.sha256 === b.sha256 && a.size === b.size && a.mtimeMs === b.mtimeMs;
}

/** SHA-256 of a file, in hex. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
