import { Scope, Unit, type Usage } from '@smartlite/contracts';
import type { BudgetOrder } from '@smartlite/trust';
import { Problem } from '../problem.ts';

// Between what a person types and reads, and the contract's messages.

type Limit = BudgetOrder['limit'];
interface UnitWord {
  readonly unit: Unit;
  readonly inLedger: Limit['unit'];
  /** The ledger counts audio in milliseconds, people in seconds. */
  readonly factor: bigint;
}

const UNITS: Readonly<Record<string, UnitWord>> = {
  requests: { unit: Unit.UNIT_REQUESTS, inLedger: 'requests', factor: 1n },
  llm_tokens: { unit: Unit.UNIT_LLM_TOKENS, inLedger: 'llm_tokens', factor: 1n },
  asr_seconds: { unit: Unit.UNIT_ASR_MILLISECONDS, inLedger: 'asr_ms', factor: 1_000n },
  tts_characters: { unit: Unit.UNIT_TTS_CHARACTERS, inLedger: 'tts_characters', factor: 1n },
};
const WINDOWS: Readonly<Record<string, Limit['window']>> = { minute: 'minute', hour: 'hour', day: 'day' };
const SCOPES: Readonly<Record<Limit['scope'], Scope>> = {
  fleet: Scope.SCOPE_FLEET,
  tenant: Scope.SCOPE_TENANT,
  user: Scope.SCOPE_USER,
};

/** A limit and what it stands at, in words. Numbers are in the unit that is named; seconds may have decimals. */
export interface UsageRow {
  readonly scope: string;
  readonly subject: string;
  readonly unit: string;
  readonly window: string;
  readonly limit: number;
  readonly charged: number;
  readonly reserved: number;
  readonly left: number;
  /** Used, but beyond what could be charged. */
  readonly overrun: number;
  readonly refills: string;
}

/** `[scope, unit, window]` and a whole number, as `budget set` is given them. Throws a Problem that names what is wrong. */
export function limitOf(
  [scope, unit, window]: readonly [string, string, string],
  value: string,
  { tenant, user }: { readonly tenant: string | undefined; readonly user: string | undefined },
): Limit {
  const { inLedger, factor } = wordOf(UNITS, unit, 'unit');
  if (!/^\d{1,15}$/.test(value))
    throw misuse(`The limit "${value}" is not a whole number of ${unit}.`, 'Give it without a point or sign.');
  const limit = Number(BigInt(value) * factor);
  if (!Number.isSafeInteger(limit)) throw misuse(`The limit "${value}" is larger than can be counted.`, 'Give a smaller one.');
  wordOf(SCOPES, scope, 'scope');
  return {
    scope: scope as Limit['scope'],
    subject: subjectOf(scope, tenant, user),
    unit: inLedger,
    window: wordOf(WINDOWS, window, 'window'),
    limit,
  };
}

export function usageRow({ scope, subject, unit, window, limit, charged, reserved, overrun, refillsUnixMs }: Usage): UsageRow {
  const [unitWord = 'unknown', { factor } = { factor: 1n }] = Object.entries(UNITS).find(([, each]) => each.unit === unit) ?? [];
  const inUnit = (value: bigint) => Number(value) / Number(factor);
  const out = charged + reserved;
  return {
    scope: Object.entries(SCOPES).find(([, each]) => each === scope)?.[0] ?? 'unknown',
    subject,
    unit: unitWord,
    window,
    limit: inUnit(limit),
    charged: inUnit(charged),
    reserved: inUnit(reserved),
    left: inUnit(limit > out ? limit - out : 0n),
    overrun: inUnit(overrun),
    refills: new Date(Number(refillsUnixMs)).toISOString(),
  };
}

/** A limit in a line: what is left of it, and when it refills. */
export function usageLine({ scope, subject, unit, window, limit, charged, reserved, left, overrun, refills }: UsageRow): string {
  const name = `${scope}${subject && ` ${subject}`}`;
  const beyond = overrun > 0 ? `, ${overrun} beyond what was reserved` : '';
  return `${name.padEnd(24)} ${`${unit} a ${window}`.padEnd(24)} ${left} of ${limit} left (${charged} used, ${reserved} held${beyond}), refills ${refills}`;
}

/** In the units of `limitRequest`: what `budget set` tells was in force before. */
export function inWords(value: bigint, unit: string): number {
  return Number(value) / Number(wordOf(UNITS, unit, 'unit').factor);
}

/** A user is named within a tenant; a limit for nobody in particular is one for each. */
function subjectOf(scope: string, tenant: string | undefined, user: string | undefined): string {
  if (scope === 'fleet' && (tenant ?? user) !== undefined)
    throw misuse('A limit of the fleet has no tenant and no user.', 'Leave --tenant and --user away, or choose the scope user.');
  if (scope === 'tenant' && user !== undefined) throw misuse('A limit of a tenant has no user.', 'Choose the scope user.');
  if (scope === 'user' && tenant !== undefined && user === undefined)
    throw misuse('Which user of the tenant?', 'Give --user, or leave --tenant away to set the limit of every user.');
  if (user === undefined) return tenant ?? '';
  return `${escaped(tenant ?? 'local')}/${user}`;
}

/** As the ledger writes it: a tenant's own slashes must not pass for the one before the user. */
function escaped(tenant: string): string {
  return tenant.replaceAll('%', '%25').replaceAll('/', '%2F');
}

function wordOf<T>(table: Readonly<Record<string, T>>, word: string, what: string): T {
  if (Object.hasOwn(table, word)) return table[word] as T;
  throw misuse(`The ${what} "${word}" is not known.`, `Give one of ${Object.keys(table).join(', ')}.`);
}

function misuse(message: string, remedy: string): Problem {
  return new Problem(message, remedy, { exitCode: 2 });
}
