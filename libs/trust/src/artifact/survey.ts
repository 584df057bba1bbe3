import { type Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { finding, type Finding } from '../finding.ts';
import type { ManifestEntry } from '../lock.ts';

/** Files of one host that are looked at for being listed. Beyond, the survey says so instead of going on for ever. */
const FILES_MAX = 100_000;

/**
 * What lies in the artifacts' folders without being listed: files, dotfiles, empty folders, links and anything else. Folders of the
 * root that hold no artifact are not ours to judge.
 */
export async function surveyUnlisted(
  root: string,
  manifest: readonly Pick<ManifestEntry, 'path'>[],
): Promise<readonly Finding[]> {
  const listed = new Set(manifest.map(({ path }) => path));
  const folders = new Set(manifest.flatMap(({ path }) => foldersOf(path)));
  const tops = new Set(manifest.map(({ path }) => path.split('/')[0] ?? ''));
  const findings: Finding[] = [];
  const queue = [...tops];
  for (let seen = 0; queue.length > 0; seen += 1) {
    const folder = queue.shift() as string;
    for (const each of await entriesOf(join(root, folder))) {
      const path = `${folder}/${each.name}`;
      if (each.isDirectory() && folders.has(path)) queue.push(path);
      else if (!listed.has(path)) findings.push(unlisted(path));
    }
    if (seen + findings.length > FILES_MAX)
      return [...findings, finding('FILE_UNLISTED', `more than ${FILES_MAX} files below ${root}`)];
  }
  return findings;
}

function foldersOf(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** A folder that is missing or no folder is found by the artifacts that should be in it. */
async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  return readdir(folder, { withFileTypes: true }).catch(() => []);
}

function unlisted(path: string): Finding {
  return finding(
    'FILE_UNLISTED',
    `${JSON.stringify(path)} lies among the models and is not in the lock: remove it, or add it to the pack and sign`,
  );
}
