import { type RoleIdentity, type RoleTrust, signDetached, TrustError, verifyDetached } from '@smartlite/trust';
import { z } from 'zod';
import type { LedgerDump } from './ledger.ts';
import { AUTHORS, type NotaryDump } from './notary.ts';

/**
 * The books as they stood at one position of the log: whoever starts reads on from there, and what lies far before it can go. Signed
 * by the instance that took it, as its pages are.
 */
export interface Snapshot {
  readonly position: number;
  /** Of the message at that position: the log that it is about holds it there. */
  readonly digest: string;
  readonly replica: string;
  readonly atMs: number;
  readonly ledger: LedgerDump;
  readonly notary: NotaryDump;
}

const count = z.int().min(0);
const headSchema = z.strictObject({
  keyId: z.string().max(128),
  signature: z.string().max(1_024),
  certificates: z.array(z.string().max(8_192)).min(1).max(4),
});
/** What a budget instance has signed is taken for what it says; only that it is a snapshot is looked at. */
const bodySchema = z.object({
  position: count.min(1),
  digest: z.string(),
  replica: z.string(),
  atMs: count,
  ledger: z.custom<LedgerDump>((value) => typeof value === 'object' && value !== null),
  notary: z.custom<NotaryDump>((value) => typeof value === 'object' && value !== null),
});

/** One line with the signature, then the snapshot as it was signed. */
export function sealSnapshot(snapshot: Snapshot, identity: RoleIdentity): Uint8Array {
  const body = Buffer.from(JSON.stringify(snapshot));
  const { keyId, certificates } = identity;
  const head = { keyId, certificates, signature: signDetached('ledger-snapshot', body, identity) };
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body]);
}

/** Proves that an instance of the budget took it, under a certificate that was valid then. Throws a TrustError. */
export function openSnapshot(bytes: Uint8Array, trust: RoleTrust): Snapshot {
  const end = bytes.indexOf(0x0a);
  const head = parse(headSchema, bytes.subarray(0, end));
  const body = bytes.subarray(end + 1);
  const snapshot = parse(bodySchema, body);
  const key = trust.role(head.certificates, ['instance'], snapshot.atMs);
  if (key.subject !== snapshot.replica || !key.subject.startsWith(AUTHORS))
    throw new TrustError('KEY_WRONG_ROLE', `${key.subject} has signed a snapshot of ${snapshot.replica}`);
  verifyDetached('ledger-snapshot', body, head.signature, key);
  return snapshot;
}

function parse<T>(schema: z.ZodType<T>, bytes: Uint8Array): T {
  try {
    return schema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch (cause) {
    throw new TrustError('SIGNATURE_MALFORMED', 'the bytes are no snapshot of a ledger', cause);
  }
}
