import { appendFileSync, truncateSync, writeFileSync } from 'node:fs';
import { attack } from './attack.ts';
import { bytesOf } from './stage.ts';

const A = 'alpha/data.bin';
const B = 'beta/data.bin';

/** On the bytes of artifacts. */
export const BYTES = [
  attack('one bit flipped', 'DIGEST_MISMATCH', 'safe', (stage) => {
    const bytes = bytesOf(stage.file(A));
    bytes[99] = (bytes[99] ?? 0) ^ 1;
    writeFileSync(stage.file(A), bytes);
  }),
  attack('truncated', 'SIZE_MISMATCH', 'safe', (stage) => truncateSync(stage.file(A), 10)),
  attack('appended to', 'SIZE_MISMATCH', 'safe', (stage) => appendFileSync(stage.file(A), 'x')),
  attack('zeroed', 'DIGEST_MISMATCH', 'safe', (stage) =>
    writeFileSync(stage.file(A), Buffer.alloc(bytesOf(stage.file(A)).length)),
  ),
  attack('a hole in its place', 'DIGEST_MISMATCH', 'safe', (stage) => {
    const { length } = bytesOf(stage.file(A));
    truncateSync(stage.file(A), 0);
    truncateSync(stage.file(A), length);
  }),
  attack('contents of two artifacts swapped', 'DIGEST_MISMATCH', 'safe', (stage) => {
    const [a, b] = [bytesOf(stage.file(A)), bytesOf(stage.file(B))];
    writeFileSync(stage.file(A), b);
    writeFileSync(stage.file(B), a);
  }),
  attack('two digests swapped in the lock', 'SIGNATURE_INVALID', 'halted', (stage) =>
    stage.edit(({ manifest: [a, b] }) => {
      if (a && b) [a.sha256, b.sha256] = [b.sha256, a.sha256];
    }),
  ),
  attack('wrong size in the lock', 'SIGNATURE_INVALID', 'halted', (stage) =>
    stage.edit(({ manifest: [a] }) => {
      if (a) a.size += 1;
    }),
  ),
  attack('wrong size, signed', 'SIZE_MISMATCH', 'safe', (stage) =>
    stage.forge(({ manifest }) => ({ manifest: manifest.map((entry) => ({ ...entry, size: entry.size + 1 })) })),
  ),
  attack('a list of chunks put into the lock', 'SIGNATURE_INVALID', 'halted', (stage) =>
    stage.edit(({ manifest: [a] }) => {
      if (a) a.chunks = [a.tree, a.tree];
    }),
  ),
  attack('a list of chunks that is not the tree’s, signed', 'TREE_MISMATCH', 'safe', (stage) =>
    stage.forge(({ manifest }) => ({ manifest: manifest.map((entry) => ({ ...entry, chunks: [entry.tree, entry.tree] })) })),
  ),
  attack('emptied', 'SIZE_MISMATCH', 'safe', (stage) => truncateSync(stage.file(A), 0)),
  attack('removed', 'ARTIFACT_MISSING', 'safe', async (stage) => (await import('node:fs')).rmSync(stage.file(A))),
];
