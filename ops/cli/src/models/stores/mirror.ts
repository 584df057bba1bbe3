import { copyFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact } from '@smartlite/trust';
import { type Landing, partialOf } from './source.ts';

/** Takes an artifact from a folder that holds the models by their paths in the pack, or by digest. False when it has none of that size. */
export async function fetchFromMirror(mirror: string, artifact: Artifact, landing: Landing): Promise<boolean> {
  for (const path of [join(mirror, artifact.path), join(mirror, artifact.sha256)]) {
    const found = await stat(path).catch(() => undefined);
    if (found?.size !== artifact.size) continue;
    await copyFile(path, partialOf(landing, artifact));
    landing.onBytes(artifact.size, artifact.id);
    return true;
  }
  return false;
}
