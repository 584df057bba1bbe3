import { parentPort, workerData } from 'node:worker_threads';
import { TrustError } from '../finding.ts';
import type { ManifestEntry } from '../lock.ts';
import { hashArtifact } from './hash.ts';

// One artifact at a time, in a thread of its own. Findings go back as values: errors lose their class on the way.

const { root } = workerData as { readonly root: string };

parentPort?.on('message', (entry: ManifestEntry) => {
  hashArtifact(root, entry).then(
    ({ sha256, tree }) => parentPort?.postMessage({ kind: 'hashed', sha256, tree }),
    (caught: unknown) => {
      if (caught instanceof TrustError) parentPort?.postMessage({ kind: 'refused', findings: caught.findings });
      else throw caught;
    },
  );
});
