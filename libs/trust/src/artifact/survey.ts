import type { Dirent } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { finding, type Finding } from '../finding.ts';
import type { ManifestEntry } from '../lock.ts';

/** Files of one host that are looked at for being listed. Beyond, the survey says so instead of going on for ever. */
const FILES_MAX = 100_000;
/** Unlisted files that are named each; whoever fills a folder does not fill the trail as well. */
const NAMED_MAX = 1_000;
/** Entries of a folder that are read at once: a folder of millions costs no more memory than this. */
const ENTRIES_AT_ONCE = 256;

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
  let seen = 0;
  for (let folder = queue.shift(); folder !== undefined; folder = queue.shift()) {
    for await (const each of entriesOf(join(root, folder))) {
      const path = `${folder}/${each.name}`;
      if (each.isDirectory() && folders.has(path)) queue.push(path);
      else if (!listed.has(path)) findings.push(unlisted(path));
      seen += 1;
      if (seen > FILES_MAX || findings.length === NAMED_MAX)
        return [
          ...findings,
          finding('FILE_UNLISTED', `more lies below ${root}: ${seen} files were looked at, and the rest was not`),
        ];
    }
  }
  return findings;
}

function foldersOf(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** A folder that is missing or no folder is found by the artifacts that should be in it. */
async function* entriesOf(folder: string): AsyncIterable<Dirent> {
  try {
    yield* await opendir(folder, { bufferSize: ENTRIES_AT_ONCE });
  } catch {
    // See above.
  }
}

function unlisted(path: string): Finding {
  return finding(
    'FILE_UNLISTED',
    `${JSON.stringify(path)} lies among the models and is not in the lock: remove it, or add it to the pack and sign`,
  );
}
