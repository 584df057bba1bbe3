import { z } from 'zod';
import { open, payloadDigest, type RoleIdentity, type RoleTrust, seal } from './envelope.ts';
import { requireFleet } from './fleet.ts';
import { count, fleet, hex64, lockDigest, text } from './schema.ts';
import { asVerified, type Verified } from '../verified.ts';

const base = { fleet, generation: count, reason: text, notAfterUnixMs: count, nonce: z.string().regex(/^[0-9a-f]{32}$/) };

const orderSchema = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('enter'), mode: z.enum(['safe', 'halted']), ...base }),
  z.strictObject({
    action: z.literal('release'),
    /** The exact failures that it releases, so that it says nothing about a later halt. */
    failures: z.array(hex64).min(1).max(64),
    lockDigest,
    lockSequence: count,
    ...base,
  }),
]);

/** An operator's order to the fleet. */
export type Order = Readonly<z.infer<typeof orderSchema>>;

export interface SignedOrder {
  readonly order: Order;
  /** SHA-256 of the payload, hex; the id of the failure that an `enter` opens. */
  readonly id: string;
  readonly operator: string;
  readonly envelope: Uint8Array;
}

/** Longest life of an order: long enough to carry it by hand, short enough to be about the trouble of today. */
export const ORDER_LIFE_MAX_MS = 60 * 60 * 1_000;

/** Signs an order with an operator's key. */
export function signOrder(order: Order, identity: RoleIdentity): Uint8Array {
  return seal('operator-order', orderSchema.parse(order), identity);
}

/** Proves the operator's signature. Whether the order is in time is judged where it takes effect: at its entry into the log. */
export function openOrder(bytes: Uint8Array, trust: RoleTrust, nowUnixMs: number): Verified<SignedOrder> {
  const { message, key, digest } = open('operator-order', bytes, ['operator'], orderSchema, trust, nowUnixMs);
  requireFleet(message, trust, "operator's order");
  return asVerified({ order: message, id: digest, operator: key.keyId, envelope: bytes });
}

/** The id that an order will have. */
export const orderId = payloadDigest;
