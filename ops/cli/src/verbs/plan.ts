import { readFile } from 'node:fs/promises';
import { parseLock } from '@smartlite/trust';
import type { Command } from 'commander';
import { plan, type Plan } from '../plan/plan.ts';
import { parseSuppositions } from '../plan/suppose.ts';
import { readPack } from '../readpack.ts';
import { findPlace } from '../up/place.ts';

interface Options {
  readonly pack?: string;
  readonly whatIf: string;
  readonly json?: boolean;
}

/** `smartlite plan --what-if` */
export function registerPlan(program: Command): void {
  program
    .command('plan')
    .description('which model would answer each tier, at what latency, and what breaks; nothing is changed')
    .requiredOption('--what-if <suppositions>', 'for example "asr.p99=900ms, verifier=down, flite=down"')
    .option('--pack <file>', 'another pack than the project’s')
    .option('--json', 'print one JSON object')
    .action(printPlan);
}

async function printPlan(options: Options): Promise<void> {
  const place = findPlace(process.env, options);
  const { pack } = await readPack(place.pack);
  const planned = plan(pack, parseSuppositions(options.whatIf, pack), await shadowsStandIn(place.lock));
  console.log(options.json ? JSON.stringify(planned) : describe(planned));
  process.exitCode = planned.breaks.length > 0 ? 1 : 0;
}

/** The policy of this project's lock; its default where there is no lock yet. A plan decides nothing, so the shape is enough. */
async function shadowsStandIn(lock: string): Promise<boolean> {
  const bytes = await readFile(lock).catch(() => undefined);
  return bytes === undefined || parseLock(bytes, lock).verification_policy.allow_shadow_fallback;
}

function describe({ tiers, breaks }: Plan): string {
  const lines = tiers.map(
    ({ stage, tier, model, because, p99Ms }) =>
      `${stage.padEnd(4)} ${tier.padEnd(20)} ${(model ?? 'nobody').padEnd(16)} ${p99Ms === null ? '' : `P99 ${p99Ms} ms  `}${because}`,
  );
  return [...lines, ...(breaks.length === 0 ? ['Nothing breaks.'] : breaks.map((each) => `BREAKS: ${each}`))].join('\n');
}
