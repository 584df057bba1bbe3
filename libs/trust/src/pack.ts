import { z } from 'zod';
import { type Digest, digestOf } from './digest.ts';
import { finding, type Finding, TrustError } from './finding.ts';
import { parseStrictJson, placeIn } from './json.ts';
import { references } from './pack/references.ts';
import { type Pack, packSchema } from './pack/schema.ts';
import type { Verified } from './verified.ts';

/** Several hundred models; a pack is written by people. */
export const PACK_BYTES_MAX = 4 * 1024 * 1024;

export { ARTIFACT_FORMATS, ARTIFACT_ROLES, type Artifact, type Model, type Pack } from './pack/schema.ts';

/** The published JSON Schema of MODEL_PACK.json. */
export function packJsonSchema(): object {
  return { title: 'SmartLite model pack', ...z.toJSONSchema(packSchema, { io: 'input' }) };
}

/** Shape, bounds and cross-references; no trust. Throws TrustError naming every fault with its JSON pointer. */
export function parsePack(bytes: Uint8Array, file = 'MODEL_PACK.json'): Pack {
  const parsed = packSchema.safeParse(parseStrictJson(bytes, { file, bytesMax: PACK_BYTES_MAX }));
  if (!parsed.success)
    TrustError.throwIf(
      parsed.error.issues.map((issue) => finding('PACK_MALFORMED', `${placeIn(file, issue.path)}: ${issue.message}`)),
    );
  const pack = parsed.data as Pack;
  TrustError.throwIf(references(pack).map((fault) => finding('PACK_MALFORMED', `${file} at ${fault}`)));
  return pack;
}

/** Bytes that the lock names, parsed. Throws PACK_MISMATCH for any others. */
export function verifyPack(bytes: Uint8Array, expected: Digest): Verified<Pack> {
  if (digestOf(bytes) !== expected)
    throw new TrustError('PACK_MISMATCH', `the pack is ${digestOf(bytes)}; the lock covers ${expected}: sign it anew`);
  return parsePack(bytes) as Verified<Pack>;
}

/** Findings about a pack whose artifacts the manifest does not name, or names otherwise. */
export function coverage(
  pack: Pack,
  manifest: readonly { readonly id: string; readonly path: string; readonly sha256: string }[],
): readonly Finding[] {
  const entries = new Map(manifest.map((entry) => [entry.id, entry]));
  return pack.artifacts.flatMap(({ id: key, path, sha256 }) => {
    const entry = entries.get(key);
    const same = entry?.path === path && entry.sha256 === sha256;
    return same
      ? []
      : [
          finding(
            'PACK_NOT_COVERED',
            `artifact ${key}: the lock's manifest ${entry ? 'describes other bytes' : 'does not name it'}`,
            key,
          ),
        ];
  });
}
