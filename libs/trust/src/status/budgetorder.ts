import { z } from 'zod';
import { open, type RoleIdentity, type RoleTrust, seal } from './envelope.ts';
import { requireFleet } from './fleet.ts';
import { count, fleet } from './schema.ts';
import { asVerified, type Verified } from '../verified.ts';

/** A tenant and a user of 256 characters each, whose slashes are written as three characters. */
const SUBJECT_CHARS_MAX = 1_025;

/** One limit, as the budget's ledger counts: audio in milliseconds. */
export const budgetLimitSchema = z.strictObject({
  scope: z.enum(['fleet', 'tenant', 'user']),
  /** A tenant, `tenant/user`, or empty: every subject of the scope, each for itself. */
  subject: z.string().max(SUBJECT_CHARS_MAX),
  unit: z.enum(['requests', 'llm_tokens', 'asr_ms', 'tts_characters']),
  window: z.enum(['minute', 'hour', 'day']),
  limit: count,
});

const orderSchema = z
  .strictObject({
    fleet,
    generation: count,
    limit: budgetLimitSchema,
    notAfterUnixMs: count,
    nonce: z.string().regex(/^[0-9a-f]{32}$/),
  })
  .refine(({ limit: { scope, subject } }) => scope !== 'fleet' || subject === '', { message: 'the fleet has no subject' });

/** An operator's order that a limit be in force. The ledger's fold proves it, and uses it once. */
export type BudgetOrder = Readonly<z.infer<typeof orderSchema>>;

export interface SignedBudgetOrder {
  readonly order: BudgetOrder;
  /** SHA-256 of the payload, hex. */
  readonly id: string;
  readonly operator: string;
}

/** Signs an order with an operator's key. */
export function signBudgetOrder(order: BudgetOrder, identity: RoleIdentity): Uint8Array {
  return seal('budget-order', orderSchema.parse(order), identity);
}

/**
 * Proves the operator's signature, and that the order is for this fleet. Whether it is in time, unused, and made for the generation in
 * force is judged where it takes effect: at its entry into the ledger, which outlives generations.
 */
export function openBudgetOrder(bytes: Uint8Array, trust: RoleTrust, nowUnixMs: number): Verified<SignedBudgetOrder> {
  const { message, key, digest } = open('budget-order', bytes, ['operator'], orderSchema, trust, nowUnixMs);
  requireFleet(message, { ...trust, generation: message.generation }, 'budget order');
  return asVerified({ order: message, id: digest, operator: key.keyId });
}
