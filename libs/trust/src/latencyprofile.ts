import { z } from 'zod';
import { finding, TrustError } from './finding.ts';
import { parseStrictJson, pointerOf } from './json.ts';
import type { Pack } from './pack.ts';

/** A profile is a page at most. */
const BYTES_MAX = 64 * 1024;

/** Milliseconds, as a number or with a unit: 800, "800ms", "0.8s". */
const duration = z
  .union([z.number(), z.string().regex(/^\d+(\.\d+)?(ms|s)$/, 'write milliseconds as a number, or "800ms", or "0.8s"')])
  .transform((written) => (typeof written === 'number' ? written : millisecondsOf(written)))
  .pipe(z.number().positive('must be more than 0').max(600_000, 'must be at most 600000 ms'));

const target = z.strictObject({ target_ms: duration, p99_threshold_ms: duration });

/** The older form. Targets of a tier are hints of that time: they are read, and must agree with the pack's tier where it has one. */
const schema = z.strictObject({
  $schema: z.string().optional(),
  version: z.string().max(100).optional(),
  services: z.strictObject({ asr: target, llm: target, tts: target }),
  end_to_end: target,
  asr_tiers: z
    .record(z.string().max(64), z.strictObject({ target_ms: duration, device: z.enum(['cpu', 'gpu', 'CPU', 'GPU']) }))
    .default({}),
});

export type LatencyProfile = z.infer<typeof schema>;

/** The published JSON Schema of latency_profile.json. */
export function latencyProfileJsonSchema(): object {
  return { title: 'SmartLite latency profile, older form', ...z.toJSONSchema(schema, { io: 'input' }) };
}

/** Shape and bounds of the older form; no trust. Throws TrustError naming every fault with its JSON pointer. */
export function parseLatencyProfile(bytes: Uint8Array, file = 'latency_profile.json'): LatencyProfile {
  const parsed = schema.safeParse(parseStrictJson(bytes, { file, bytesMax: BYTES_MAX }));
  if (!parsed.success)
    TrustError.throwIf(
      parsed.error.issues.map(({ path, message }) => finding('PACK_MALFORMED', `${file} at ${pointerOf(path)}: ${message}`)),
    );
  return parsed.data as LatencyProfile;
}

/** The same thresholds as the pack writes them. */
export function convertLatencyProfile({ services, end_to_end: turn }: LatencyProfile): Pack['latency_profile'] {
  const converted = ({ target_ms, p99_threshold_ms }: z.infer<typeof target>) => ({
    target_ms: Math.round(target_ms),
    p99_ms: Math.round(p99_threshold_ms),
  });
  return { asr: converted(services.asr), llm: converted(services.llm), tts: converted(services.tts), turn: converted(turn) };
}

/** Where the older form says something else than the pack, place by place. Empty: they agree. */
export function profileContradictions(
  older: LatencyProfile,
  pack: Pick<Pack, 'latency_profile' | 'asr_pack'>,
): readonly string[] {
  const converted = convertLatencyProfile(older);
  const places = { asr: '/services/asr', llm: '/services/llm', tts: '/services/tts', turn: '/end_to_end' } as const;
  const stages = (['asr', 'llm', 'tts', 'turn'] as const).flatMap((stage) =>
    (['target_ms', 'p99_ms'] as const).flatMap((key) =>
      differing(
        `${places[stage]}/${key === 'p99_ms' ? 'p99_threshold_ms' : key}`,
        converted[stage][key],
        `/latency_profile/${stage}/${key}`,
        pack.latency_profile[stage][key],
      ),
    ),
  );
  const tiers = Object.entries(older.asr_tiers).flatMap(([name, { target_ms: targetMs, device }]) => {
    const tier = Object.hasOwn(pack.asr_pack.tiers, name) ? pack.asr_pack.tiers[name] : undefined;
    if (tier === undefined) return [`/asr_tiers/${name}: the pack has no such tier`];
    return [
      ...differing(`/asr_tiers/${name}/target_ms`, targetMs, `/asr_pack/tiers/${name}/target_ms`, tier.target_ms),
      ...differing(`/asr_tiers/${name}/device`, device.toLowerCase(), `/asr_pack/tiers/${name}/device`, tier.device),
    ];
  });
  return [...stages, ...tiers];
}

function differing(place: string, said: string | number, packPlace: string, packSays: string | number): readonly string[] {
  return said === packSays ? [] : [`${place} is ${said}, but ${packPlace} of the pack is ${packSays}`];
}

function millisecondsOf(written: string): number {
  return written.endsWith('ms') ? Number(written.slice(0, -2)) : Number(written.slice(0, -1)) * 1000;
}
