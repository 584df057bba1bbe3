import { readFile } from 'node:fs/promises';
import { parseLock } from '@smartlite/trust';
import type { Command } from 'commander';
import { findBudget } from '../budget/find.ts';
import { type UsageRow, usageRow } from '../budget/words.ts';
import { describePlan } from '../plan/describe.ts';
import { plan } from '../plan/plan.ts';
import { parseSuppositions } from '../plan/suppose.ts';
import { ANY_OTHER_TENANT, tenantsOf } from '../plan/tenants.ts';
import { Problem } from '../problem.ts';
import { readPack } from '../readpack.ts';
import { findPlace, type Place } from '../up/place.ts';

interface Options {
  readonly pack?: string;
  readonly whatIf: string;
  readonly tenant?: readonly string[];
  readonly live?: boolean;
  readonly json?: boolean;
}

const EXPLANATION = `
What can be supposed, separated by commas:
  NAME=down       of a service, of a model or of a region of the pack's residency policy
  NAME.p99=900ms  of a model, or of asr, llm or tts: then of the primary of its default tier
  asr.latency=300ms   a caller who names no ASR tier wants the text so soon
  llm_tokens.left=40  every caller has so many LLM tokens left

The table says to whom a request would come that is let in; what keeps requests out stands below it.
Supposed as well: every other instance and model is well, each region that is up has instances, the API key is bound to no region, and
a shadow was found good on its copies. P99 is what is supposed, else the most that the model's breaker allows.
Exit code 0: nothing breaks. 1: something does. 2: misuse.`;

/** `smartlite plan --what-if` */
export function registerPlan(program: Command): void {
  program
    .command('plan')
    .description('for each tenant which model would answer each tier, at what latency, and what breaks; nothing is changed')
    .requiredOption('--what-if <suppositions>', 'for example "asr.p99=900ms, verifier=down, flite=down, eu=down"')
    .option('--tenant <names...>', 'these tenants alone; else those that the rules of the pack name, and any other')
    .option('--pack <file>', 'another pack than the project’s')
    .option('--live', 'with the limits that are in force in the running mesh, and what each tenant has left of them')
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXPLANATION)
    .action(printPlan);
}

async function printPlan({ whatIf, tenant: tenants = [], ...options }: Options): Promise<void> {
  const place = findPlace(process.env, options);
  const { pack } = await readPack(place.pack);
  if (tenants.includes(''))
    throw new Problem('--tenant: a tenant has no name.', 'Give names, as clients add --tenant has them.', { exitCode: 2 });
  const suppositions = parseSuppositions(whatIf, pack);
  const books = options.live ? await booksOf(tenantsOf(pack, tenants), place) : new Map<string, readonly UsageRow[]>();
  const planned = plan(pack, suppositions, { shadowsStandIn: await shadowsStandIn(place.lock), tenants, books });
  console.log(options.json ? JSON.stringify(planned) : describePlan(planned));
  process.exitCode = planned.breaks.length > 0 ? 1 : 0;
}

/** The policy of this project's lock; its default where there is no lock yet. A plan decides nothing, so the shape is enough. */
async function shadowsStandIn(lock: string): Promise<boolean> {
  const bytes = await readFile(lock).catch(() => undefined);
  return bytes === undefined || parseLock(bytes, lock).verification_policy.allow_shadow_fallback;
}

/** What the ledger says of each tenant: its own limits and the fleet's. */
async function booksOf(tenants: readonly string[], place: Place): Promise<ReadonlyMap<string, readonly UsageRow[]>> {
  using budget = await findBudget(place);
  const books = new Map<string, readonly UsageRow[]>();
  for (const tenant of tenants) {
    const { usages } = await budget.getUsage({ tenant: tenant === ANY_OTHER_TENANT ? '' : tenant, user: '' });
    books.set(tenant, usages.map(usageRow));
  }
  return books;
}
