import type { Command } from 'commander';
import { certifyNew, type ChangedKey, newKey, revokeKey, rotateKey } from '../signing/change.ts';
import { keyStage } from '@smartlite/trust';
import { readTrust } from '../domain/files.ts';
import { Problem } from '../problem.ts';
import { type KeyRecord, listKeys } from '../signing/keyring.ts';
import { findPlace } from '../up/place.ts';

interface Options {
  readonly key?: string;
  readonly newTrust?: boolean;
  readonly none?: boolean;
  readonly json?: boolean;
}

const SOURCE = 'PEM file, pkcs11:URI, awskms:ARN or vault:PATH';
const DAY_MS = 86_400_000;

/** `smartlite keys new|rotate|revoke|list` */
export function registerKeys(program: Command): void {
  const keys = program.command('keys').description('signing keys, their certificates, rotation and revocation');
  keys
    .command('new')
    .description(
      'make this machine’s signing key, or certify the one of --key (a file or a token’s key is made if it is not there)',
    )
    .option('--key <source>', SOURCE)
    .option('--new-trust', 'start a new trust domain although a lock or mark of a former one is here')
    .option('--json', 'print one JSON object')
    .action(makeKey);
  keys
    .command('rotate')
    .description('put a new key in the current one’s place and sign anew with both; the former signs until its certificate ends')
    .option('--key <source>', SOURCE)
    .option('--json', 'print one JSON object')
    .action(rotate);
  keys
    .command('revoke')
    .argument('<keyid>', 'key id, or at least 8 of its first digits')
    .description('refuse whatever a key has signed, but for the lock that serves now')
    .option('--none', 'refuse the lock that serves now too')
    .option('--json', 'print one JSON object')
    .action(revoke);
  keys
    .command('list')
    .description('keys of this domain, where they lie, until when they hold')
    .option('--json', 'print one JSON object')
    .action(list);
}

async function makeKey(options: Options): Promise<void> {
  const place = findPlace();
  const nowMs = Date.now();
  const made =
    options.key === undefined
      ? await newKey(place, nowMs, { newTrust: options.newTrust === true })
      : await certifyNew(place, options.key, nowMs);
  say(made, options);
}

async function rotate(options: Options): Promise<void> {
  say(await rotateKey(findPlace(), options.key, Date.now()), options);
}

async function revoke(keyid: string, options: Options): Promise<void> {
  say(await revokeKey(findPlace(), keyid, { keepLock: options.none !== true, nowMs: Date.now() }), options);
}

function say({ news, ...facts }: ChangedKey, { json }: Options): void {
  console.log(json ? JSON.stringify(facts) : news.join('\n'));
}

async function list({ json }: Options): Promise<void> {
  const place = findPlace();
  const trust = await readTrust(place.trust);
  if (trust === undefined)
    throw new Problem(`There is no trust domain at ${place.trust}.`, 'npm start or npx smartlite keys new makes one.');
  const nowMs = Date.now();
  const revoked = new Set(trust.revocations.map(({ keyid }) => keyid));
  const keys = (await listKeys(place)).map((record) => published(record, revoked.has(record.keyid), nowMs));
  if (json) console.log(JSON.stringify({ fleet: trust.fleet, class: trust.class, threshold: trust.thresholds.lock, keys }));
  else
    console.log(
      [`Fleet ${trust.fleet} (${trust.class}); ${trust.thresholds.lock} key(s) must sign a lock.`, ...keys.map(line)].join('\n'),
    );
}

function published({ keyid, state, source, fromUnixMs, toUnixMs }: KeyRecord, revoked: boolean, nowMs: number) {
  return {
    keyid,
    state: revoked ? ('revoked' as const) : nowMs > toUnixMs ? ('ended' as const) : state,
    stage: keyStage({ fromUnixMs, toUnixMs }, nowMs),
    source,
    validFrom: new Date(fromUnixMs).toISOString(),
    validUntil: new Date(toUnixMs).toISOString(),
    daysLeft: Math.floor((toUnixMs - nowMs) / DAY_MS),
  };
}

function line({ keyid, state, stage, source, validUntil, daysLeft }: ReturnType<typeof published>): string {
  const advice =
    stage === 'fresh' || state === 'revoked' ? '' : `  ${stage.toUpperCase()}: rotate it (npx smartlite keys rotate)`;
  return `  ${keyid.slice(0, 16)}  ${state.padEnd(9)}  until ${validUntil} (${daysLeft} days)  ${source}${advice}`;
}
