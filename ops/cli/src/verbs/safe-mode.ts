import { randomBytes } from 'node:crypto';
import { type LockStatus, type Order, roleIdentity, signOrder } from '@smartlite/trust';
import type { Command } from 'commander';
import { domainFiles, readKey } from '../domain/files.ts';
import { enterOrder, type OrderGround, releaseOrder } from '../mode/order.ts';
import { findVerifier, type FoundVerifier, lockStatus } from '../mode/verifier.ts';
import { Problem } from '../problem.ts';
import { findPlace, type Place } from '../up/place.ts';

interface Options {
  readonly json?: boolean;
  readonly reason?: string;
  readonly halt?: boolean;
}

/** `smartlite safe-mode status|enter|release` */
export function registerSafeMode(program: Command): void {
  const verb = program
    .command('safe-mode')
    .description('read or change the fleet’s mode; changes are signed with the operator’s key');
  verb
    .command('status')
    .description('mode, open failures, who is quarantined')
    .option('--json', 'print one JSON object')
    .action(status);
  verb
    .command('enter')
    .description('put the whole fleet into safe mode until an operator releases it')
    .option('--halt', 'halted instead: models are unloaded, too')
    .requiredOption('--reason <text>', 'why; goes into the audit trail')
    .option('--json', 'print one JSON object')
    .action(enter);
  verb
    .command('release')
    .description('release the open failures that wait for an operator; serving goes on after a full verification')
    .requiredOption('--reason <text>', 'why; goes into the audit trail')
    .option('--json', 'print one JSON object')
    .action(release);
}

async function status({ json }: Options): Promise<void> {
  using verifier = await findVerifier(findPlace());
  const known = await lockStatus(verifier, Date.now());
  const { mode, reasons, failures, quarantined, lockSequence, epoch } = known ?? NOTHING;
  if (json) console.log(JSON.stringify({ mode, epoch, lockSequence, reasons, failures, quarantined }));
  else console.log(describe(mode, failures, quarantined));
}

async function enter({ reason = '', halt, json }: Options): Promise<void> {
  const place = findPlace();
  using verifier = await findVerifier(place);
  await give(verifier, place, enterOrder(halt ? 'halted' : 'safe', groundOf(verifier, reason)), json);
}

async function release({ reason = '', json }: Options): Promise<void> {
  const place = findPlace();
  using verifier = await findVerifier(place);
  const known = await lockStatus(verifier, Date.now());
  if (known === undefined) throw new Problem('The verifier has no lock status yet.', 'Try again in a moment.');
  await give(verifier, place, releaseOrder(known, groundOf(verifier, reason)), json);
}

/** Signs with this machine's operator key and sends. The verifier audits it with the key's id; no other record is needed. */
async function give({ calls }: FoundVerifier, place: Place, order: Order, json: boolean | undefined): Promise<void> {
  const { key, chain } = await readKey(domainFiles(place).operator);
  const { mode } = await calls.order(signOrder(order, roleIdentity('operator', key, chain.join('\n'))));
  if (json) console.log(JSON.stringify({ action: order.action, mode }));
  else
    console.log(
      order.action === 'enter'
        ? `The fleet is ordered into mode ${mode}.`
        : `Released; the fleet's mode is ${mode}, normal follows a full verification.`,
    );
}

function groundOf({ trust: { fleet, generation } }: FoundVerifier, reason: string): OrderGround {
  return { fleet, generation, nowMs: Date.now(), nonce: randomBytes(16).toString('hex'), reason };
}

const NOTHING: Pick<LockStatus, 'reasons' | 'failures' | 'quarantined' | 'lockSequence' | 'epoch'> & { readonly mode: string } = {
  mode: 'starting',
  reasons: [],
  failures: [],
  quarantined: [],
  lockSequence: null,
  epoch: 0,
};

function describe(mode: string, failures: LockStatus['failures'], quarantined: readonly string[]): string {
  const rows = failures.map(
    ({ code, artifact, store, effect, operator, message }) =>
      `  ${effect.padEnd(9)} ${code} ${artifact} (${store})${operator || effect === 'halted' ? ' waits for an operator' : ''}: ${message}`,
  );
  return [`mode ${mode}`, ...rows, ...quarantined.map((name) => `  quarantined ${name}`)].join('\n');
}
