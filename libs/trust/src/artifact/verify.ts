import type { Finding } from '../finding.ts';
import type { ManifestEntry } from '../lock.ts';
import { type HashAllOptions, hashAll } from './gather.ts';
import { surveyUnlisted } from './survey.ts';
import { type ArtifactOutcome, judge } from './judge.ts';

export interface ArtifactReport {
  readonly artifacts: readonly ArtifactOutcome[];
  readonly findings: readonly Finding[];
  readonly bytes: number;
}

/**
 * Hashes every artifact of the manifest as it is on disk now and compares size, digest and format; surveys the folders for what is not
 * listed. Never throws for what it finds.
 */
export async function verifyArtifacts(
  root: string,
  manifest: readonly ManifestEntry[],
  options: HashAllOptions = {},
): Promise<ArtifactReport> {
  const gathered = await hashAll(root, manifest, options);
  const unlisted = await surveyUnlisted(root, manifest);
  const judged = manifest.flatMap((entry, index) => {
    const found = gathered[index];
    return found === undefined ? [] : [judge(entry, found)];
  });
  return {
    artifacts: judged.map(({ outcome }) => outcome),
    findings: [...judged.flatMap(({ findings }) => findings), ...unlisted],
    bytes: manifest.reduce((sum, { size }) => sum + size, 0),
  };
}
