import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { Role } from '../certificates/roles.ts';
import { TrustError } from '../finding.ts';
import { guardKey } from '../spki.ts';
import { asVerified, type Verified } from '../verified.ts';
import { open, type RoleIdentity, type RoleTrust, seal } from './envelope.ts';
import { requireFleet } from './fleet.ts';
import { count, fleet, name } from './schema.ts';

/** Whose boots may have keys: every service's instance, and an operator's commands. */
const SIGNERS: readonly Role[] = ['instance', 'lock-status', 'operator'];

const schema = z.strictObject({
  fleet,
  generation: count,
  service: name,
  instance: name,
  /** Names this life of the process. */
  boot: name,
  atUnixMs: count,
  /** The boot's public key (Ed25519): SPKI, base64. */
  spki: z.base64().max(128),
});

export type BootStatement = Readonly<z.infer<typeof schema>>;

/** A key that one life of one process signs its entries and receipts with, and whose it is. */
export interface BootKey {
  readonly statement: BootStatement;
  readonly role: Role;
  readonly publicKey: KeyObject;
}

/** Certifies a boot's key with the identity of its instance. */
export function signBootKey(
  { publicKey, ...statement }: Omit<BootStatement, 'spki'> & { readonly publicKey: KeyObject },
  identity: RoleIdentity,
): Uint8Array {
  const spki = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  return seal('boot-key', schema.parse({ ...statement, spki }), identity);
}

/**
 * Proves whose key it is. Judged at the time that it names: entries come by a spool, days later too, and stay in the log for longer than
 * any certificate. Throws a TrustError.
 */
export function openBootKey(bytes: Uint8Array, trust: RoleTrust): Verified<BootKey> {
  const { message, key } = openAt(bytes, trust);
  // Entries outlive generations of the trust document; what a generation has revoked is refused by its key.
  if (message.generation > trust.generation || message.fleet !== trust.fleet) requireFleet(message, trust, 'boot key');
  if (key.role !== 'operator' && key.subject !== message.instance)
    throw new TrustError('KEY_WRONG_ROLE', `the boot key of ${message.instance} is certified by ${key.subject}`);
  if ((key.role === 'operator') !== (message.service === 'cli'))
    throw new TrustError('KEY_WRONG_ROLE', `the boot key of ${message.service} is certified as ${key.role}`);
  const { key: publicKey } = guardKey(Buffer.from(message.spki, 'base64'), 'ed25519');
  return asVerified({ statement: message, role: key.role, publicKey });
}

function openAt(bytes: Uint8Array, trust: RoleTrust) {
  return open('boot-key', bytes, SIGNERS, schema, trust, claimedTime(bytes));
}

/** The time that an envelope names, before anything of it is proven: what is then proven at that time includes it. */
function claimedTime(bytes: Uint8Array): number {
  try {
    const { payload } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { payload: string };
    const { atUnixMs } = JSON.parse(Buffer.from(payload, 'base64').toString('utf8')) as { atUnixMs: unknown };
    return typeof atUnixMs === 'number' ? atUnixMs : 0;
  } catch {
    return 0;
  }
}
