import type { Command } from 'commander';
import { Problem } from '../problem.ts';
import { record } from '../trail/record.ts';
import { newClient, readClients, writeClients } from '../up/api-key.ts';
import { findPlace } from '../up/place.ts';

interface AddOptions {
  readonly user?: string;
  readonly tenant: string;
  readonly region: readonly string[];
  readonly operator?: boolean;
  readonly actFor?: boolean;
  readonly json?: boolean;
}

/** `smartlite clients add|list|revoke` */
export function registerClients(program: Command): void {
  const clients = program.command('clients').description('API keys of the gateway');
  clients
    .command('add')
    .argument('<name>', 'name of the client')
    .description('make an API key; its text is shown once')
    .option('--user <user>', 'whose budget it spends; the name when not given')
    .option('--tenant <tenant>', 'whose tenant’s budget', 'local')
    .option('--region <region...>', 'regions that may see its data; all of the policy when not given', [])
    .option('--operator', 'may make diagnostic calls in safe mode')
    .option('--act-for', 'may act for other users')
    .option('--json', 'print one JSON object')
    .action(add);
  clients.command('list').description('who has a key').option('--json', 'print one JSON object').action(list);
  clients.command('revoke').argument('<name>', 'name of the client').description('its key is refused from now on').action(revoke);
}

async function add(name: string, options: AddOptions): Promise<void> {
  const place = findPlace();
  const { clients } = place;
  const present = await readClients(clients);
  if (present.some(({ id }) => id === name))
    throw new Problem(`There is a client "${name}" already.`, 'Revoke it first, or choose another name.');
  const facts = { id: name, user: options.user ?? name, tenant: options.tenant, regions: [...options.region] };
  const { key, client } = newClient(
    { ...facts, operator: options.operator === true, may_act_for: options.actFor === true },
    Date.now(),
  );
  await writeClients(clients, [...present, client]);
  const { operator, may_act_for: actsForOthers } = client;
  const added = { change: 'added', client: name, tenant: facts.tenant, operator, acts_for_others: actsForOthers };
  await record(place, [{ kind: 'client.changed', facts: added }]);
  console.log(options.json ? JSON.stringify({ id: name, key }) : `${key}\n(Shown once: only its digest is kept.)`);
}

async function list(options: { readonly json?: boolean }): Promise<void> {
  const present = await readClients(findPlace().clients);
  if (options.json) return console.log(JSON.stringify({ clients: present }));
  for (const { id, user, tenant, operator, created } of present)
    console.log(`${id.padEnd(20)} user ${user}, tenant ${tenant}${operator ? ', operator' : ''}, since ${created}`);
  if (present.length === 0) console.log('No client has a key yet; npm start makes the first.');
}

async function revoke(name: string): Promise<void> {
  const place = findPlace();
  const { clients } = place;
  const present = await readClients(clients);
  const left = present.filter(({ id }) => id !== name);
  if (left.length === present.length)
    throw new Problem(`There is no client "${name}".`, 'npx smartlite clients list shows who has a key.');
  await writeClients(clients, left);
  await record(place, [{ kind: 'client.changed', facts: { change: 'revoked', client: name } }]);
  console.log(`${name} is refused from now on.`);
}
