import { copyFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Artifact } from '@smartlite/trust';
import { Problem } from '../../problem.ts';
import { type Landing, partialOf } from './source.ts';

/** Copies an artifact that lies beside the pack. */
export async function fetchFile(artifact: Artifact, path: string, landing: Landing): Promise<void> {
  const from = resolve(landing.packFolder, path);
  await copyFile(from, partialOf(landing, artifact)).catch((cause: unknown) => {
    throw new Problem(
      `Artifact ${artifact.id}: ${from} cannot be read.`,
      'Take the file from version control, or mend the artifact’s source in the pack.',
      { cause },
    );
  });
  landing.onBytes(artifact.size, artifact.id);
}
