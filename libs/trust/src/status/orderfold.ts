import { OPERATOR_STORE, openFailure, type Folded, type Ledgered, readmit, RECORDS_MAX } from './failurerecord.ts';
import { RELEASES_CARRIED_MAX } from './limits.ts';
import type { SignedOrder } from './operator.ts';

/** An operator's order, used once. One that is too late, or names another lock, moves nobody. */
export function foldOrder(state: Ledgered, { order, id, envelope }: SignedOrder): Folded {
  if (state.usedOrders.has(id) || state.stampMs > order.notAfterUnixMs) return state;
  const used = { ...state, usedOrders: new Set([...state.usedOrders].slice(-RECORDS_MAX)).add(id) };
  if (order.action === 'enter') {
    return openFailure(
      used,
      {
        id,
        effect: order.mode,
        operator: true,
        store: OPERATOR_STORE,
        artifact: '',
        digest: null,
        code: 'OPERATOR_ORDER',
        message: order.reason,
      },
      null,
    );
  }
  if (!namesKnownLock(state, order)) return state;
  const named = new Set(order.failures);
  const failures = new Map(
    [...state.failures].map(([key, record]) => [
      key,
      named.has(key)
        ? { ...record, released: true, closed: record.closed || record.fact.store === OPERATOR_STORE, mentioned: state.position }
        : record,
    ]),
  );
  const releases = [...state.releases, { failures: order.failures, envelope }].slice(-RELEASES_CARRIED_MAX);
  return { ...used, failures, releases, quarantined: readmit(state, (record) => named.has(record.fact.id)) };
}

function namesKnownLock(state: Ledgered, order: { readonly lockDigest: string; readonly lockSequence: number }): boolean {
  const known = [
    state.passed === null ? null : { digest: state.passed.lockDigest, sequence: state.passed.lockSequence },
    state.adopted,
  ];
  return known.some((lock) => lock !== null && lock.digest === order.lockDigest && lock.sequence === order.lockSequence);
}
