/** Place of a lock status among all. `generation` comes from the trust document, `epoch` from the election. */
export interface StatusOrder {
  readonly generation: number;
  readonly epoch: number;
  /** A decision of the leader. */
  readonly revision: number;
  /** A renewal of the same decision. */
  readonly beat: number;
}

/** Negative if `a` comes before `b`, 0 if they hold one place. */
export function compareOrder(a: StatusOrder, b: StatusOrder): number {
  return a.generation - b.generation || a.epoch - b.epoch || a.revision - b.revision || a.beat - b.beat;
}

/** `generation.epoch.revision.beat`, as receipts and traces carry it. */
export function orderText(order: StatusOrder): string {
  return `${order.generation}.${order.epoch}.${order.revision}.${order.beat}`;
}
