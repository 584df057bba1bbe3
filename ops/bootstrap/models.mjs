import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { runForeground } from './child.mjs';
import { COMMAND, ROOT, STATE } from './place.mjs';
import { Problem } from './problem.mjs';

/** Fetches the pack's artifacts, unless the record of the last pull shows that all are there. */
export async function requireModels(env) {
  if (isPulled()) return;
  const code = await runForeground('node', [COMMAND, 'models', 'pull', '--keep-changed'], { cwd: ROOT, env });
  if (code !== 0)
    throw new Problem('The models are not complete (see above).', 'Run the same command again; what was fetched is kept.');
}

/** Sizes and times only, so that a second start is quick; `smartlite verify` and every load read the bytes. */
function isPulled() {
  const record = join(STATE, 'models.json');
  if (!existsSync(record)) return false;
  try {
    const { packDigest, files } = JSON.parse(readFileSync(record, 'utf8'));
    const pack = createHash('sha256')
      .update(readFileSync(join(ROOT, 'ops', 'MODEL_PACK.json')))
      .digest('hex');
    return packDigest === `sha256:${pack}` && files.every(isUntouched);
  } catch {
    return false;
  }
}

function isUntouched({ path, size, mtimeMs }) {
  const found = statSync(join(STATE, 'models', path), { throwIfNoEntry: false });
  return found?.size === size && found.mtimeMs === mtimeMs;
}
