import { type ServiceName, SERVICES } from '@smartlite/contracts';
import type { Pack } from '@smartlite/trust';
import { Problem } from '../problem.ts';

/** What is supposed of a mesh, for example `asr.p99=900ms, verifier=down, flite=down, eu=down`. */
export interface Suppositions {
  /** Services, models and regions. A name that stands for two of them supposes both down. */
  readonly down: ReadonlySet<string>;
  /** P99 in milliseconds, by service or by model. */
  readonly p99Ms: ReadonlyMap<string, number>;
  /** When a caller who names no ASR tier wants the text, in milliseconds; 0: no wish. */
  readonly asrLatencyMs: number;
  /** LLM tokens that every caller has left; undefined: as many as he likes. */
  readonly llmTokensLeft: number | undefined;
}

/** Services whose answers are timed. */
const STAGES: readonly ServiceName[] = ['asr', 'llm', 'tts'];
const DOWN = /^([a-z0-9._-]+)=down$/;
const P99 = /^([a-z0-9._-]+)\.p99=(\d{1,6})ms$/;
const LATENCY = /^asr\.latency=(\d{1,6})ms$/;
const TOKENS_LEFT = /^llm_tokens\.left=(\d{1,12})$/;

/** Reads the text of `--what-if`. Throws a Problem (exit code 2) naming what it does not understand, and what there is. */
export function parseSuppositions(text: string, { models, residency_policy: { regions } }: Pack): Suppositions {
  const measured = new Set<string>([...STAGES, ...models.map(({ id }) => id)]);
  const known = new Set<string>([...SERVICES, ...measured, ...regions]);
  const down = new Set<string>();
  const p99Ms = new Map<string, number>();
  let asrLatencyMs = 0;
  let llmTokensLeft: number | undefined;
  for (const part of text.split(',').map((each) => each.trim())) {
    const [latency, left] = [LATENCY, TOKENS_LEFT].map((form) => form.exec(part)?.[1]);
    if (latency !== undefined) asrLatencyMs = Number(latency);
    if (left !== undefined) llmTokensLeft = Number(left);
    if (latency !== undefined || left !== undefined) continue;
    const [, name = '', ms] = DOWN.exec(part) ?? P99.exec(part) ?? [];
    if (!(ms === undefined ? known : measured).has(name))
      throw new Problem(
        `--what-if: ${JSON.stringify(part.slice(0, 60))} is not understood.`,
        `Write NAME=down, NAME being one of ${[...known].join(', ')}; or NAME.p99=900ms, of ${[...measured].join(', ')}; or asr.latency=300ms; or llm_tokens.left=40; separated by commas.`,
        { exitCode: 2 },
      );
    if (ms === undefined) down.add(name);
    else if (p99Ms.has(name) && p99Ms.get(name) !== Number(ms)) throw twice(name, p99Ms.get(name) ?? 0, Number(ms));
    else p99Ms.set(name, Number(ms));
  }
  return { down, p99Ms, asrLatencyMs, llmTokensLeft };
}

function twice(name: string, one: number, other: number): Problem {
  return new Problem(`--what-if: ${name} cannot have a P99 of both ${one} and ${other} ms.`, 'Suppose one of them.', {
    exitCode: 2,
  });
}

/** What breaks with services, with models that serve no tier, and with all regions. Pure. */
export function brokenBy(
  { down }: Suppositions,
  { asr_pack: { vad, partials }, residency_policy: { regions } }: Pack,
): readonly string[] {
  const texts: Readonly<Record<ServiceName, string>> = {
    verifier: 'no verifier: leases run out within seconds, then every instance refuses to infer (fail-closed)',
    gateway: 'no gateway: nobody is let in',
    budget: 'no budget: nothing can be reserved, so every request is refused as budget-unavailable',
    audit: 'no audit: requests go on until the spools are full, then they are refused as audit-unavailable',
    asr: 'no asr: voice turns and transcriptions fail as unavailable',
    llm: 'no llm: voice turns and chat fail as unavailable',
    tts: 'no tts: voice turns and speech fail as unavailable',
  };
  return [
    ...(regions.every((region) => down.has(region)) ? ['no region: nobody is let in'] : []),
    ...SERVICES.filter((service) => down.has(service)).map((service) => texts[service]),
    ...(down.has(vad) ? [`no ${vad}: speech is found by its loudness alone, and every asr says that it is not ready`] : []),
    ...(down.has(partials) ? [`no ${partials}: no partial transcripts while somebody speaks`] : []),
  ];
}
