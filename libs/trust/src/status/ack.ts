import { MODES, SERVICES } from '@smartlite/contracts/names';
import { z } from 'zod';
import { open, type RoleIdentity, type RoleTrust, seal } from './envelope.ts';
import { requireFleet } from './fleet.ts';
import { ENVELOPE_BYTES_MAX } from './limits.ts';
import { count, fleet, lockDigest, name } from './schema.ts';
import { requireSpeaker, SPEAKERS } from './speaker.ts';
import { asVerified, type Verified } from '../verified.ts';

const ackSchema = z.strictObject({
  fleet,
  service: z.enum(SERVICES),
  instance: name,
  region: name,
  mode: z.enum(MODES),
  generation: count,
  epoch: count,
  revision: count,
  beat: count,
  lockDigest: lockDigest.nullable(),
  appliedUnixMs: count,
  openAlarms: z.array(name).max(64),
  /** The signed status that outranks the one offered, base64: the answer `STALE_EPOCH`. */
  held: z.base64().max(ENVELOPE_BYTES_MAX).optional(),
});

/** What a guard reports after it has shut its gate. Never makes anything permissible. */
export type Ack = Readonly<Omit<z.infer<typeof ackSchema>, 'fleet'>>;

export interface SignedAck {
  readonly ack: Ack;
  readonly keyId: string;
}

/** Signs an ack with the instance's key. */
export function signAck(ack: Ack, of: { readonly fleet: string }, identity: RoleIdentity): Uint8Array {
  return seal('lock-ack', ackSchema.parse({ ...ack, fleet: of.fleet }), identity);
}

/** Proves who sent an ack. */
export function openAck(bytes: Uint8Array, trust: RoleTrust, nowUnixMs: number): Verified<SignedAck> {
  const { message, key } = open('lock-ack', bytes, SPEAKERS, ackSchema, trust, nowUnixMs);
  requireFleet(message, trust, 'ack');
  requireSpeaker(message.instance, key, 'ack');
  return asVerified({ ack: message, keyId: key.keyId });
}
