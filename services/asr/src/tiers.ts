import type { WantedModel } from '@smartlite/chassis';
import { MeshError } from '@smartlite/contracts';
import { type Candidate, deviceNote, hungAfterMs } from '@smartlite/resilience';
import type { Pack } from '@smartlite/trust';

export interface Tier {
  readonly name: string;
  readonly candidates: readonly Candidate[];
  /** The tier's own threshold: what its final text may take at the 99th percentile, in milliseconds. */
  readonly p99_ms: number;
  /** Empty, or that the tier would rather be served on another device. */
  readonly deviceNote: string;
}

/** Recognisers hold the processor while they run: a second piece of work at once would only slow down the first. */
const RECOGNITIONS_AT_ONCE = 1;
/** Looking for speech takes milliseconds and must not wait behind another stream's two seconds. */
const DETECTIONS_AT_ONCE = 8;

/** The tier that a caller asks for; empty means the pack's default. Throws `invalid-argument` naming those there are. */
export function tierOf({ asr_pack: { default_tier, tiers } }: Pack, asked: string): Tier {
  const name = asked || default_tier;
  const tier = Object.hasOwn(tiers, name) ? tiers[name] : undefined;
  if (tier === undefined) {
    throw new MeshError(
      'invalid-argument',
      `tier: there is no ASR tier ${JSON.stringify(name.slice(0, 40))}; give one of ${Object.keys(tiers).join(', ')}`,
    );
  }
  const { candidates, p99_ms, device } = tier;
  return { name, candidates, p99_ms, deviceNote: deviceNote(name, device) };
}

/**
 * Models to keep: the voice detector, the model of partial transcripts, and every candidate of every tier, each once.
 * In safe mode the fallbacks stay, and the detector, without which they hear nothing.
 */
export function wantedModels(pack: Pack): readonly WantedModel[] {
  const { vad, partials, tiers } = pack.asr_pack;
  const candidates = Object.entries(tiers).flatMap(([tier, { candidates: some }]) =>
    some.map((candidate) => ({ tier, ...candidate })),
  );
  const fallbacks = new Set(candidates.filter(({ role }) => role === 'fallback').map(({ model }) => model));
  const uses = [...candidates, { tier: '', model: partials, role: 'partials' }];
  const wanted = new Map<string, WantedModel>([[vad, { ...detector(vad), artifacts: artifactsOf(pack, vad) }]]);
  for (const { tier, model, role } of uses) {
    if (wanted.has(model)) continue;
    const load = model !== partials && role === 'fallback' ? 'standby' : 'at-once';
    const inSafeMode = fallbacks.has(model) ? 'keep' : 'unload';
    wanted.set(model, {
      id: model,
      tier,
      role,
      artifacts: artifactsOf(pack, model),
      load,
      inSafeMode,
      work: { concurrency: RECOGNITIONS_AT_ONCE, cancelMsMax: hungAfterMs(pack.latency_profile.asr.p99_ms) },
    });
  }
  return [...wanted.values()];
}

function detector(id: string): Omit<WantedModel, 'artifacts'> {
  return { id, tier: '', role: 'detector', load: 'at-once', inSafeMode: 'keep', work: { concurrency: DETECTIONS_AT_ONCE } };
}

function artifactsOf({ models }: Pack, id: string): readonly string[] {
  return models.find((model) => model.id === id)?.artifacts ?? [];
}
