import { existsSync } from 'node:fs';
import { mkdir, rename, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Artifact } from '@smartlite/trust';
import { Problem } from '../problem.ts';
import { findPresent, type PullRecord, readRecord, sha256Of, writeRecord } from './present.ts';
import { fetchAddress } from './stores/address.ts';
import { fetchFile } from './stores/file.ts';
import { fetchFromMirror } from './stores/mirror.ts';
import { type Landing, partialOf } from './stores/source.ts';
import { fetchFromTarball, type TarballArtifact } from './stores/tarball.ts';

export interface PullOptions {
  readonly artifacts: readonly Artifact[];
  readonly packDigest: string;
  readonly packFolder: string;
  /** Where artifacts are served from. */
  readonly models: string;
  readonly downloads: string;
  readonly record: string;
  readonly mirror?: string | undefined;
  /**
   * What becomes of a file that an earlier pull has put in its place and that holds other bytes now. `replace`: it is fetched anew.
   * `keep`: it stays as it is, so that whoever changed it is found out by the verifier instead of being tidied away.
   */
  readonly changed: 'replace' | 'keep';
  readonly signal: AbortSignal;
  /** Told the bytes that are to be fetched, before the first one is. */
  readonly onMissing?: (missing: readonly Artifact[]) => void;
  readonly onBytes?: (bytes: number, label: string) => void;
}

export interface Pulled {
  readonly present: number;
  readonly fetched: number;
  /** Paths of files that hold other bytes than they were fetched with, and were kept. */
  readonly changed: readonly string[];
}

/** A tarball unpacks to at most about twice what is taken from it; the rest is slack for the file system. */
const SPACE_FACTOR = 3;

/**
 * Makes every artifact of the pack present, byte for byte. Bytes arrive in the downloads folder, are checked against the pinned digest and
 * only then renamed into place, so a file in place is complete whenever the process ends.
 */
export async function pull(options: PullOptions): Promise<Pulled> {
  await mkdir(options.downloads, { recursive: true, mode: 0o700 });
  await mkdir(options.models, { recursive: true, mode: 0o700 });
  const record = await readRecord(options.record);
  const absent = await findAbsent(options, record);
  const changed = options.changed === 'keep' ? absent.filter((artifact) => wasChanged(artifact, options, record)) : [];
  const missing = absent.filter((artifact) => !changed.includes(artifact));
  if (missing.length > 0) await fetchAll(missing, options);
  await remember(options, record, changed);
  const present = options.artifacts.length - absent.length;
  return { present, fetched: missing.length, changed: changed.map(({ path }) => path) };
}

/** Artifacts whose bytes are not in place: nothing there, or something else. */
async function findAbsent({ artifacts, models }: PullOptions, record: PullRecord): Promise<Artifact[]> {
  const absent: Artifact[] = [];
  for (const artifact of artifacts) if (!(await findPresent(models, artifact, record))) absent.push(artifact);
  return absent;
}

/** True where these very bytes were put in place once and something else is there now. A pack that asks for other bytes is no change. */
function wasChanged(artifact: Artifact, { models }: PullOptions, { files }: PullRecord): boolean {
  const fetched = files.some(({ path, sha256 }) => path === artifact.path && sha256 === artifact.sha256);
  return fetched && existsSync(join(models, artifact.path));
}

async function fetchAll(missing: readonly Artifact[], options: PullOptions): Promise<void> {
  await requireSpace(missing, options);
  options.onMissing?.(missing);
  const landing: Landing = { ...options, onBytes: options.onBytes ?? (() => {}) };
  const rest: Artifact[] = [];
  for (const artifact of missing) {
    if (options.mirror && (await fetchFromMirror(options.mirror, artifact, landing))) await install(artifact, landing, options);
    else rest.push(artifact);
  }
  for (const group of byTarball(rest)) await fetchGroup(group, landing, options);
}

async function fetchGroup(group: readonly Artifact[], landing: Landing, options: PullOptions): Promise<void> {
  const [first] = group;
  if (first === undefined) return;
  let done = async (): Promise<void> => {};
  if (first.source.kind === 'npm') done = await fetchFromTarball(group as readonly TarballArtifact[], landing);
  else if (first.source.kind === 'file') await fetchFile(first, first.source.path, landing);
  else await fetchAddress(first, first.source.url, landing);
  for (const artifact of group) await install(artifact, landing, options);
  await done();
}

/** Checks the fetched bytes and puts them in their place. Wrong bytes are removed, so that the next pull starts afresh. */
async function install(artifact: Artifact, landing: Landing, { models }: PullOptions): Promise<void> {
  const partial = partialOf(landing, artifact);
  const digest = await sha256Of(partial);
  if (digest !== artifact.sha256) {
    await rm(partial, { force: true });
    throw new Problem(
      `Artifact ${artifact.id}: its source gives sha256:${digest}, the pack pins sha256:${artifact.sha256}.`,
      'Nothing was used of it. Run the same command again; if it stays so, ask who publishes the source.',
    );
  }
  const place = join(models, artifact.path);
  await mkdir(dirname(place), { recursive: true, mode: 0o700 });
  await rename(partial, place);
}

/** Artifacts of one tarball together, so that it is fetched once; each other artifact alone. */
function byTarball(artifacts: readonly Artifact[]): Artifact[][] {
  const groups = Map.groupBy(artifacts, (artifact) =>
    artifact.source.kind === 'npm' ? artifact.source.tarball_sha256 : artifact.id,
  );
  return [...groups.values()];
}

async function remember(
  { artifacts, models, record: path, packDigest }: PullOptions,
  record: PullRecord,
  changed: readonly Artifact[],
): Promise<void> {
  // What was kept keeps its line, too: it is still known to have been right once.
  const files = record.files.filter((line) => changed.some((artifact) => artifact.path === line.path));
  for (const artifact of artifacts) {
    const line = await findPresent(models, artifact, record);
    if (line) files.push(line);
  }
  await writeRecord(path, { packDigest, files });
}

async function requireSpace(missing: readonly Artifact[], { downloads }: PullOptions): Promise<void> {
  const needed = missing.reduce((sum, artifact) => sum + artifact.size, 0) * SPACE_FACTOR;
  const { bavail, bsize } = await statfs(downloads);
  if (bavail * bsize >= needed) return;
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;
  throw new Problem(
    `${downloads}: ${megabytes(bavail * bsize)} free, about ${megabytes(needed)} needed for models.`,
    'Free some space and run the same command again; what is already there is kept.',
  );
}
