import type { Pack } from './pack.ts';
import type { Replaceable } from './verdict.ts';

/**
 * For each artifact the models that need it, and for each of those the verified model that may stand in for it: the next candidate of
 * its tiers all of whose artifacts are verified. A model that has none in one of its tiers has none at all.
 */
export function replaceable(pack: Pack, verified: ReadonlySet<string>): readonly Replaceable[] {
  const whole = new Set(
    pack.models.filter(({ artifacts }) => artifacts.every((artifact) => verified.has(artifact))).map(({ id }) => id),
  );
  const standIns = new Map(servingModels(pack).map((model) => [model, standIn(model, candidateLists(pack), whole)]));
  return pack.artifacts.map(({ id }) => {
    const users = pack.models.filter((model) => model.artifacts.includes(id) && standIns.has(model.id));
    return { artifact: id, models: Object.fromEntries(users.map((model) => [model.id, standIns.get(model.id) ?? null])) };
  });
}

/** In which the voices are asked: the pack keeps them by name, without an order. */
const ORDER: readonly Pack['tts_pack']['roles'][string]['role'][] = ['primary', 'shadow', 'fallback'];

/** Every ordered choice of models in the pack. */
function candidateLists(pack: Pack): readonly (readonly string[])[] {
  const tiers = [...Object.values(pack.asr_pack.tiers), ...Object.values(pack.llm_tiers.tiers)];
  const voices = Object.values(pack.tts_pack.roles).toSorted((a, b) => ORDER.indexOf(a.role) - ORDER.indexOf(b.role));
  return [...tiers.map(({ candidates }) => candidates.map(({ model }) => model)), voices.map(({ model }) => model)];
}

/** Models that some caller is served by; the others may be missing without anybody's noticing. */
function servingModels(pack: Pack): readonly string[] {
  return [...new Set([...candidateLists(pack).flat(), pack.asr_pack.vad, pack.asr_pack.partials])];
}

function standIn(model: string, lists: readonly (readonly string[])[], whole: ReadonlySet<string>): string | null {
  const own = lists.filter((list) => list.includes(model));
  const others = own.map((list) => list.find((other) => other !== model && whole.has(other)));
  return others.every((other) => other !== undefined) ? (others[0] ?? null) : null;
}
