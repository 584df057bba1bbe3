import { ORDER_LIFE_MAX_MS } from '@smartlite/trust';
import type { Limit } from './limits.ts';
import type { Rejection } from './outcome.ts';

/** An operator's order, proven. */
export interface ProvenOrder {
  readonly id: string;
  readonly operator: string;
  readonly generation: number;
  readonly notAfterMs: number;
  readonly limit: Limit;
}

/** Proves an order (base64 of its envelope) as of that time; throws where it is no operator's of this fleet. Pure. */
export type OrderJudge = (order: string, atMs: number) => ProvenOrder;

/** Ids, and until when each would be good. */
export type OrdersDump = readonly (readonly [string, number])[];

/** Which orders have been carried out: each counts once, and only in its time and under the trust document it was made for. */
export class Orders {
  readonly #judge: OrderJudge;
  readonly #used: Map<string, number>;

  constructor(judge: OrderJudge, dump: OrdersDump = []) {
    this.#judge = judge;
    this.#used = new Map(dump);
  }

  dump(): OrdersDump {
    return [...this.#used];
  }

  /** Takes an order, or says why not. The envelope is attacker-controlled until it is proven. */
  take(envelope: string, now: { readonly atMs: number; readonly generation: number }): ProvenOrder | Rejection {
    const order = this.#prove(envelope, now.atMs);
    if (!order || order.generation !== now.generation) return 'order-unproven';
    if (order.notAfterMs < now.atMs || order.notAfterMs > now.atMs + ORDER_LIFE_MAX_MS) return 'order-late';
    if (this.#used.has(order.id)) return 'order-used';
    this.#used.set(order.id, order.notAfterMs);
    return order;
  }

  /** Forgets those whose time is over: they would be refused for that. */
  forget(beforeMs: number): void {
    for (const [id, notAfterMs] of this.#used) if (notAfterMs < beforeMs) this.#used.delete(id);
  }

  #prove(envelope: string, atMs: number): ProvenOrder | undefined {
    try {
      return this.#judge(envelope, atMs);
    } catch {
      return undefined;
    }
  }
}
