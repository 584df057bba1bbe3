import type { Command } from 'commander';
import { findBudget } from '../budget/find.ts';
import { signedLimit } from '../budget/order.ts';
import { inWords, limitOf, usageLine, usageRow } from '../budget/words.ts';
import { findPlace } from '../up/place.ts';

interface Options {
  readonly user?: string;
  readonly tenant?: string;
  readonly json?: boolean;
}

/** `smartlite budget usage|set` */
export function registerBudget(program: Command): void {
  const verb = program.command('budget').description('what may be spent, and what was');
  verb
    .command('usage')
    .description('limits of the fleet, and of a tenant or user: used, held, left, and when they refill')
    .option('--tenant <tenant>', 'with this tenant’s limits; "local" when only a user is given')
    .option('--user <user>', 'with this user’s limits')
    .option('--json', 'print one JSON object')
    .action(usage);
  verb
    .command('set')
    .description('set a limit, signed with the operator’s key; in force at once on every replica, without a restart, and audited')
    .argument('<scope>', 'fleet, tenant or user')
    .argument('<unit>', 'requests, llm_tokens, asr_seconds or tts_characters')
    .argument('<window>', 'minute, hour or day')
    .argument('<limit>', 'whole number; 0 refuses everything')
    .option('--tenant <tenant>', 'for this tenant alone, or the user’s tenant; for every one when not given')
    .option('--user <user>', 'for this user alone; for every one when not given')
    .option('--json', 'print one JSON object')
    .action(set);
}

async function usage({ tenant, user, json }: Options): Promise<void> {
  using budget = await findBudget(findPlace());
  const { usages } = await budget.getUsage({ tenant: tenant ?? (user === undefined ? '' : 'local'), user: user ?? '' });
  const rows = usages.map(usageRow);
  if (json) return console.log(JSON.stringify({ limits: rows }));
  for (const row of rows) console.log(usageLine(row));
  if (rows.length === 0) console.log('No limit is set.');
}

async function set(scope: string, unit: string, window: string, limit: string, options: Options): Promise<void> {
  const wanted = limitOf([scope, unit, window], limit, { tenant: options.tenant, user: options.user });
  const place = findPlace();
  const signedOrder = Buffer.from(await signedLimit(place, wanted));
  using budget = await findBudget(place);
  const { previousLimit } = await budget.setLimit({ signedOrder });
  const previous = previousLimit > 0n ? inWords(previousLimit, unit) : null;
  const facts = { scope, subject: wanted.subject, unit, window, limit: Number(limit), previous };
  if (options.json) return console.log(JSON.stringify(facts));
  const whom = wanted.subject || (scope === 'fleet' ? 'the fleet' : `every ${scope}`);
  console.log(`${whom}: ${limit} ${unit} a ${window}${previous === null ? '' : `, before ${previous}`}`);
}
