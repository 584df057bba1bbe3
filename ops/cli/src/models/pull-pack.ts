import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import type { Artifact } from '@smartlite/trust';
import { type Progress, progressBar } from '../progress.ts';
import { readPack } from '../readpack.ts';
import type { Place } from '../up/place.ts';
import { type Pulled, type PullOptions, pull } from './pull.ts';

/** Makes the pack's artifacts present; shows progress on a terminal and one line for each file in a log. */
export async function pullPack(place: Place, changed: PullOptions['changed']): Promise<Pulled> {
  const { pack, bytes } = await readPack(place.pack);
  const stopping = new AbortController();
  const stop = () => stopping.abort(new Error('stopped by the user'));
  process.once('SIGINT', stop);
  let show: Progress | undefined;
  let done = 0;
  try {
    return await pull({
      artifacts: pack.artifacts,
      packDigest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
      packFolder: dirname(place.pack),
      models: place.models,
      downloads: place.downloads,
      record: place.modelsRecord,
      mirror: process.env['SMARTLITE_MODELS_MIRROR'],
      changed,
      signal: stopping.signal,
      onMissing: (missing) => {
        const megabytes = megabytesOf(missing);
        console.error(`Models: fetching ${missing.length} files, ${megabytes} MB.`);
        show = progressBar(megabytes, 'MB');
      },
      onBytes: (count, label) => {
        done += count;
        show?.at(Math.round(done / 1e6), label);
      },
    });
  } finally {
    process.off('SIGINT', stop);
    show?.stop();
  }
}

/** What a person should know of files that were kept: a line each. */
export function describeChanged({ changed }: Pulled): readonly string[] {
  return changed.map(
    (path) =>
      `${path}: its bytes have changed since they were fetched; kept for the verifier to judge. To fetch it anew: npx smartlite models pull`,
  );
}

function megabytesOf(artifacts: readonly Artifact[]): number {
  return Math.ceil(artifacts.reduce((sum, artifact) => sum + artifact.size, 0) / 1e6);
}
