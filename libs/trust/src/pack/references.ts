import { routesThatLeave } from './routes.ts';
import type { Model, Pack } from './schema.ts';

/** What a pack's parts say of one another that is not so, each with its JSON pointer. Pure. */
export function references(pack: Pack): readonly string[] {
  const artifacts = new Set(pack.artifacts.map(({ id: key }) => key));
  const models = new Map(pack.models.map((each) => [each.id, each]));
  const faults: string[] = [];
  const need = (known: boolean, pointer: string, what: string) => void (known || faults.push(`${pointer}: ${what}`));
  const servedBy = (key: string, service: Model['service'], pointer: string) =>
    need(models.get(key)?.service === service, pointer, `there is no ${service} model ${key}`);

  unique(pack.artifacts.map(({ id: key }) => key)).forEach((index) => faults.push(`/artifacts/${index}/id: is there twice`));
  unique(pack.artifacts.map(({ path }) => path)).forEach((index) => faults.push(`/artifacts/${index}/path: is there twice`));
  unique(pack.models.map(({ id: key }) => key)).forEach((index) => faults.push(`/models/${index}/id: is there twice`));
  unique(pack.lexicon.pronunciations.map(({ term }) => withoutAccents(term))).forEach((index) =>
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

/** Voices know no accents: of two terms that differ in these alone only one could be spoken. */
function withoutAccents(term: string): string {
  return term.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

/** Positions of values that have been there before. */
function unique(values: readonly string[]): readonly number[] {
  const seen = new Set<string>();
  return values.flatMap((value, index) => (seen.has(value) ? [index] : (seen.add(value), [])));
}
