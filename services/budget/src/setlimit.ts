import type { Call, Platform } from '@smartlite/chassis';
import { MeshError, type SetLimitRequest } from '@smartlite/contracts';
import { openBudgetOrder, roleTrust, TrustError } from '@smartlite/trust';
import type { Accountant } from './accountant.ts';
import { rejection } from './wire.ts';

/**
 * Carries out an operator's signed order at its entry in the log, for every replica; each of them proves it anew. The trail says who,
 * what and what was before. Who calls is of no interest: without an operator's signature nobody sets anything.
 */
export async function setLimit(
  books: Accountant,
  { trail, models, clock }: Platform,
  { signedOrder }: SetLimitRequest,
  call: Call,
) {
  refuseUnproven(() => openBudgetOrder(signedOrder, roleTrust(models.trust), clock.nowMs()));
  const outcome = await books.decide({ kind: 'set-limit', order: signedOrder.toString('base64') });
  if (outcome.kind !== 'limit-set') throw rejection(outcome);
  const { limit, order, operator } = outcome;
  const previous = outcome.previous ?? 0;
  trail.record('budget.limit-set', { ...limit, previous, order }, { traceId: call.traceId, actor: operator });
  return { previousLimit: BigInt(previous) };
}

/** The same that the fold will say, with the exact finding for the caller, and without an entry in the log. */
function refuseUnproven(open: () => unknown): void {
  try {
    open();
  } catch (caught) {
    if (!(caught instanceof TrustError)) throw caught;
    const { code } = caught;
    throw new MeshError('permission-denied', `${code}: ${caught.message}; an operator signs limits: smartlite budget set`, {
      cause: caught,
      facts: { finding: code },
    });
  }
}
