import { z } from 'zod';
import { splitPem } from './certificates/verify.ts';
import { finding, TrustError } from './finding.ts';
import { parseStrictJson, placeIn } from './json.ts';

export const TRUST_BYTES_MAX = 1024 * 1024;

const schema = z.strictObject({
  format: z.literal('smartlite-trust/1'),
  fleet: z.string().min(1).max(100),
  class: z.enum(['development', 'production']).describe('A development domain was made by npm start on this machine.'),
  generation: z.number().int().positive(),
  min_sequence: z.number().int().nonnegative().describe('Locks below it were never accepted on a new host.'),
  roots: z.array(z.string().max(8_192)).min(1).max(8).describe('PEM of the root certificates.'),
  thresholds: z.strictObject({ lock: z.number().int().positive().max(16) }).describe('Distinct keys that must have signed.'),
  revocations: z
    .array(
      z.strictObject({
        keyid: z.string().regex(/^[0-9a-f]{64}$/),
        last_good: z
          .strictObject({ sequence: z.number().int().nonnegative(), digest: z.string().regex(/^sha256:[0-9a-f]{64}$/) })
          .nullable()
          .describe('The one last lock that the key signed and that still counts; null: none.'),
      }),
    )
    .max(1_000),
});

/** Where trust starts. Configured apart from the lock and never read from it. */
export type TrustDocument = z.infer<typeof schema>;

/** Throws TrustError with the JSON pointer of what is wrong. */
export function parseTrust(bytes: Uint8Array, file = 'trust.json'): TrustDocument {
  const parsed = schema.safeParse(parseStrictJson(bytes, { file, bytesMax: TRUST_BYTES_MAX }));
  if (!parsed.success)
    TrustError.throwIf(
      parsed.error.issues.map((issue) => finding('LOCK_MALFORMED', `${placeIn(file, issue.path)}: ${issue.message}`)),
    );
  return parsed.data as TrustDocument;
}

/** A trust document that holds these roots alone, for `verify --trust CERT.pem`: the fleet is the lock's own. */
export function trustOfRoots(certificates: string, fleet: string, generation: number): TrustDocument {
  const roots = [...splitPem(certificates)];
  if (roots.length === 0) throw new TrustError('KEY_MALFORMED', 'the trust file holds no certificate in PEM form');
  return {
    format: 'smartlite-trust/1',
    fleet,
    class: 'production',
    generation,
    min_sequence: 0,
    roots,
    thresholds: { lock: 1 },
    revocations: [],
  };
}
