import { MeshError, type Amount, Scope, Unit, type Usage } from '@smartlite/contracts';
import type { Amounts, UnitName } from './amounts.ts';
import type { ScopeName } from './limits.ts';
import type { UsageLine } from './ledger.ts';
import type { LimitLeft, Outcome } from './outcome.ts';

// Between the contract's messages and the ledger's words.

const UNIT_NAMES = new Map<Unit, UnitName>([
  [Unit.UNIT_REQUESTS, 'requests'],
  [Unit.UNIT_LLM_TOKENS, 'llm_tokens'],
  [Unit.UNIT_ASR_MILLISECONDS, 'asr_ms'],
  [Unit.UNIT_TTS_CHARACTERS, 'tts_characters'],
]);
const UNITS_BY_NAME = new Map([...UNIT_NAMES].map(([unit, name]) => [name, unit]));
const SCOPE_NAMES = new Map<Scope, ScopeName>([
  [Scope.SCOPE_FLEET, 'fleet'],
  [Scope.SCOPE_TENANT, 'tenant'],
  [Scope.SCOPE_USER, 'user'],
]);
const SCOPES_BY_NAME = new Map([...SCOPE_NAMES].map(([scope, name]) => [name, scope]));

/** Amounts of a message: each unit once, each a whole number that JSON and arithmetic keep exact. */
export function amountsOf(amounts: readonly Amount[]): Amounts {
  const out: Partial<Record<UnitName, number>> = {};
  for (const { unit, value } of amounts) {
    const name = unitOf(unit);
    if (out[name] !== undefined) throw new MeshError('invalid-argument', `amounts name ${name} twice`);
    out[name] = safeNumber(value, name);
  }
  return out;
}

export function messageOf(amounts: Amounts): Amount[] {
  return Object.entries(amounts).map(([name, value]) => ({
    unit: UNITS_BY_NAME.get(name as UnitName) ?? Unit.UNIT_UNSPECIFIED,
    value: BigInt(value),
  }));
}

export function unitOf(unit: Unit): UnitName {
  const name = UNIT_NAMES.get(unit);
  if (!name) throw new MeshError('invalid-argument', 'unit: give one of requests, llm tokens, asr milliseconds, tts characters');
  return name;
}

export function safeNumber(value: bigint, what: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new MeshError('invalid-argument', `${what}: ${value} is above 2^53 - 1`);
  return Number(value);
}

export function usageMessage(line: UsageLine): Usage {
  return {
    scope: SCOPES_BY_NAME.get(line.scope) ?? Scope.SCOPE_UNSPECIFIED,
    subject: line.subject,
    unit: UNITS_BY_NAME.get(line.unit) ?? Unit.UNIT_UNSPECIFIED,
    window: line.window,
    limit: BigInt(line.limit),
    charged: BigInt(line.charged),
    reserved: BigInt(line.reserved),
    refillsUnixMs: BigInt(line.refillsMs),
    overrun: BigInt(line.overrun),
  };
}

/** The answer to a reservation or an extension. */
export function grantMessage(outcome: Outcome) {
  if (outcome.kind === 'granted') {
    const { reservation: id, amounts, notAfterMs, limits } = outcome;
    const value = {
      id,
      amounts: messageOf(amounts),
      notAfterUnixMs: BigInt(notAfterMs),
      limits: limits.map(leftMessage),
    };
    return { outcome: { $case: 'granted' as const, value } };
  }
  if (outcome.kind === 'refused') return { outcome: { $case: 'refused' as const, value: leftMessage(outcome) } };
  throw rejection(outcome);
}

function leftMessage({ limit, limitValue, left, refillsMs }: LimitLeft) {
  return { limit, limitValue: BigInt(limitValue), left: BigInt(left), refillsUnixMs: BigInt(refillsMs) };
}

/** What was booked by a settlement or a release. */
export function settled(outcome: Outcome): Extract<Outcome, { kind: 'settled' }> {
  if (outcome.kind !== 'settled') throw rejection(outcome);
  return outcome;
}

export function rejection(outcome: Outcome): MeshError {
  if (outcome.kind !== 'rejected') return new MeshError('internal', 'the ledger gave another kind of answer than was asked for');
  switch (outcome.reason) {
    case 'unknown-reservation':
      return new MeshError('not-found', 'no such reservation; it may have been closed more than ten minutes ago');
    case 'closed-reservation':
      return new MeshError('conflict', 'the reservation is settled, released or past its end; make a new one');
    case 'older-boot':
      return new MeshError('budget-unavailable', 'this replica has been replaced by a newer life of itself');
    case 'replayed':
    case 'other-incarnation':
      return new MeshError('budget-unavailable', 'the ledger did not take the entry; repeat with the same key', {
        retryAfterMs: 1_000,
      });
    case 'recovering':
      return new MeshError(
        'budget-unavailable',
        'the ledger has lost entries; nothing is granted until what they held has ended',
        {
          retryAfterMs: 60_000,
        },
      );
    case 'order-unproven':
      return new MeshError(
        'permission-denied',
        'the order is no operator’s, or not for this fleet and its present trust document',
      );
    case 'order-late':
      return new MeshError('permission-denied', 'the order’s time is over, or longer than an hour; sign a new one');
    case 'order-used':
      return new MeshError('conflict', 'the order has been carried out already; sign a new one');
    case 'sum-too-large':
      return new MeshError('invalid-argument', 'amounts: with what is held already they exceed 2^53 - 1');
  }
}
