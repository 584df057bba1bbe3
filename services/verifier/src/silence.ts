import { type ControlState, OPERATOR_STORE } from '@smartlite/trust';

/**
 * Stores with open failures from which nobody has begun or ended a verification for so long: a deleted host shall not keep the fleet
 * in safe mode for ever. The leader's own store is never among them; what a store has to say it may say again when it is back.
 */
export function silentStores({ failures, logMs, storesHeard }: ControlState, own: string, silenceMs: number): readonly string[] {
  const silent = new Set<string>();
  for (const { fact, closed, atMs } of failures.values()) {
    if (closed || fact.effect === 'tolerated' || fact.store === own || fact.store === OPERATOR_STORE) continue;
    if (logMs - Math.max(atMs, storesHeard.get(fact.store) ?? 0) >= silenceMs) silent.add(fact.store);
  }
  return [...silent];
}
