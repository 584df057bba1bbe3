import { z } from 'zod';
import { asVerified, type Verified } from '../verified.ts';
import { open, type RoleIdentity, type RoleTrust, seal } from './envelope.ts';
import { requireFleet } from './fleet.ts';
import { count, fleet, hex64, name } from './schema.ts';

/** Entries that one receipt speaks of at most: about 30 kB. */
export const RECEIPT_ENTRIES_MAX = 128;

const receiptSchema = z.strictObject({
  fleet,
  generation: count,
  /** The log that holds the entries. */
  origin: z.string().min(1).max(256),
  producer: name,
  /** Tree size of the checkpoint that covers them, and its root, hex. */
  size: count,
  root: hex64,
  entries: z
    .array(z.strictObject({ id: z.string().min(1).max(256), index: count, digest: hex64 }))
    .min(1)
    .max(RECEIPT_ENTRIES_MAX),
});

/** The audit service's word that entries are in the log, on its own disk, under a signed checkpoint. `digest`: SHA-256 of an entry's bytes, hex. */
export type AuditReceipt = Readonly<z.infer<typeof receiptSchema>>;

/** Signs a receipt with the checkpoint key. */
export function signReceipt(
  receipt: Omit<AuditReceipt, 'fleet' | 'generation'>,
  of: { readonly fleet: string; readonly generation: number },
  identity: RoleIdentity,
): Uint8Array {
  const { fleet: ofFleet, generation } = of;
  return seal('audit-receipt', receiptSchema.parse({ ...receipt, fleet: ofFleet, generation }), identity);
}

/** Proves that a receipt is the audit service's own. Throws a TrustError. */
export function openReceipt(bytes: Uint8Array, trust: RoleTrust, nowUnixMs: number): Verified<AuditReceipt> {
  const { message } = open('audit-receipt', bytes, ['audit-checkpoint'], receiptSchema, trust, nowUnixMs);
  requireFleet(message, trust, 'receipt');
  return asVerified(message);
}
