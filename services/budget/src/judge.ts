import { openBudgetOrder, type RoleTrust } from '@smartlite/trust';
import type { OrderJudge } from './orders.ts';

/** Judges operators' orders by their signatures. */
export function judgeBy(trust: RoleTrust): OrderJudge {
  return (envelope, atMs) => {
    const { order, id, operator } = openBudgetOrder(Buffer.from(envelope, 'base64'), trust, atMs);
    return { id, operator, generation: order.generation, notAfterMs: order.notAfterUnixMs, limit: order.limit };
  };
}
