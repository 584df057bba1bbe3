import type { Call, Platform } from '@smartlite/chassis';
import { MeshError, type SetLimitRequest } from '@smartlite/contracts';
import type { Accountant } from './accountant.ts';
import { safeNumber, scopeOf, unitOf, windowOf } from './wire.ts';

/** Sets a limit at its entry in the log, for every replica; the trail says who, what and what was before. */
export async function setLimit(
  books: Accountant,
  { trail }: Platform,
  { scope, subject, unit, window, limit }: SetLimitRequest,
  call: Call,
) {
  if (!call.caller.operator) throw new MeshError('permission-denied', 'only an operator sets limits');
  const wanted = {
    scope: scopeOf(scope),
    subject,
    unit: unitOf(unit),
    window: windowOf(window),
    limit: safeNumber(limit, 'limit'),
  };
  if (wanted.scope === 'fleet' && subject !== '') throw new MeshError('invalid-argument', 'subject: the fleet has none');
  const outcome = await books.decide({ kind: 'set-limit', limit: wanted });
  if (outcome.kind !== 'limit-set') throw new MeshError('budget-unavailable', 'the ledger did not take the limit; set it again');
  const previous = outcome.previous ?? 0;
  trail.record('budget.limit-set', { ...wanted, previous }, { traceId: call.traceId, actor: call.caller.user });
  return { previousLimit: BigInt(previous) };
}
