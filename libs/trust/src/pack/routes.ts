import type { Model, Pack } from './schema.ts';

/** Engines that send their work to another machine. */
const REMOTE_ENGINES: ReadonlySet<string> = new Set(['openai']);

/** Candidates whose data would go to a region that a rule of the policy does not allow, or nobody knows where. */
export function routesThatLeave({
  asr_pack: asr,
  llm_tiers: llm,
  tts_pack: tts,
  models,
  residency_policy: policy,
}: Pack): readonly string[] {
  const places = [
    { key: asr.vad, pointer: '/asr_pack/vad' },
    { key: asr.partials, pointer: '/asr_pack/partials' },
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
