import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EngineArtifact } from '@smartlite/chassis';
import type { Verified } from '@smartlite/trust';

interface PackFile {
  readonly artifacts: readonly { readonly id: string; readonly path: string; readonly sha256: string }[];
  readonly models: readonly {
    readonly id: string;
    readonly artifacts: readonly string[];
    readonly settings: Readonly<Record<string, unknown>>;
  }[];
}

const CHECKOUT = new URL('../../', import.meta.url);

/** Where `models pull` puts the pack's files: `npm test` pulls them before it runs the tests. */
function modelsRoot(): string {
  return process.env['SMARTLITE_MODELS'] ?? fileURLToPath(new URL('.smartlite/models/', CHECKOUT));
}

/**
 * Artifacts and settings of a model of the committed pack, for tests that run an engine without its process. The bytes are checked
 * against the digests that the pack pins; nothing else makes them `Verified` here. A missing file is a failure.
 */
export async function modelOfPack(
  modelId: string,
): Promise<{ artifacts: readonly Verified<EngineArtifact>[]; settings: Readonly<Record<string, unknown>> }> {
  const pack = JSON.parse(await readFile(new URL('ops/MODEL_PACK.json', CHECKOUT), 'utf8')) as PackFile;
  const model = pack.models.find(({ id }) => id === modelId);
  if (model === undefined) throw new Error(`ops/MODEL_PACK.json has no model ${modelId}`);
  const artifacts = await Promise.all(model.artifacts.map((id) => load(pack, id)));
  return { artifacts, settings: model.settings };
}

async function load(pack: PackFile, id: string): Promise<Verified<EngineArtifact>> {
  const artifact = pack.artifacts.find((each) => each.id === id);
  if (artifact === undefined) throw new Error(`ops/MODEL_PACK.json has no artifact ${id}`);
  const bytes = new Uint8Array(await readFile(join(modelsRoot(), artifact.path)));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== artifact.sha256)
    throw new Error(`${artifact.path}: not the bytes that ops/MODEL_PACK.json pins; run npx smartlite models pull`);
  return { kind: 'bytes', id, digest: `sha256:${sha256}`, bytes } as Verified<EngineArtifact>;
}
