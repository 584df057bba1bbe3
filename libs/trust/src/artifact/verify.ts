import type { Finding } from '../finding.ts';
import type { ManifestEntry } from '../lock.ts';
import { type HashAllOptions, hashAll } from './gather.ts';
import { surveyUnlisted } from './survey.ts';
import { isBelow } from './path.ts';
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

/**
 * A look at what is suspected alone: artifacts at or below these paths, the smallest first, and what lies unlisted among all. Ends with
 * the first that is not as signed, for one is enough; says nothing of all that it has not read.
 */
export async function inspectArtifacts(
  root: string,
  manifest: readonly ManifestEntry[],
  suspected: readonly string[],
  options: HashAllOptions = {},
): Promise<readonly Finding[]> {
  const unlisted = await surveyUnlisted(root, manifest);
  if (unlisted.length > 0) return unlisted;
  const entries = manifest.filter(({ path }) => suspected.some((place) => isBelow(path, place)));
  for (const entry of entries.toSorted((a, b) => a.size - b.size)) {
    const [gathered] = await hashAll(root, [entry], options);
    const findings = gathered === undefined ? [] : judge(entry, gathered).findings;
    if (findings.length > 0) return findings;
  }
  return [];
}
