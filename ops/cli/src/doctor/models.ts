import { findPresent } from '../models/present.ts';
import { readPack } from '../readpack.ts';
import type { Place } from '../up/place.ts';
import { type Check, fault, ok } from './check.ts';

/** Reads every artifact and compares it with the pack. */
export async function checkModels(place: Place): Promise<Check> {
  const pack = await readPack(place.pack).then(
    (read) => read.pack,
    (caught: unknown) => caught as Error,
  );
  if (pack instanceof Error)
    return fault('models', pack.message, 'Mend the pack; its schema is ops/schemas/model-pack.schema.json.');
  const wrong: string[] = [];
  for (const artifact of pack.artifacts)
    if (!(await findPresent(place.models, artifact, { packDigest: '', files: [] }))) wrong.push(artifact.id);
  if (wrong.length === 0) return ok('models', `${pack.artifacts.length} artifacts of pack ${pack.name}, every byte as pinned`);
  return fault('models', `missing or different: ${wrong.join(', ')}`, 'Run: npx smartlite models pull');
}
