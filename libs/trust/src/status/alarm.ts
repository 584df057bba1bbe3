import { sha256Hex } from '../digest.ts';
import { SERVICES } from '@smartlite/contracts/names';
import { z } from 'zod';
import { open, payloadDigest, type RoleIdentity, type RoleTrust, seal } from './envelope.ts';
import { ENVELOPE_BYTES_MAX } from './limits.ts';
import { requireFleet } from './fleet.ts';
import { count, fleet, lockDigest, name, text } from './schema.ts';
import { requireSpeaker, SPEAKERS } from './speaker.ts';
import { asVerified, type Verified } from '../verified.ts';

const alarmSchema = z.strictObject({
  fleet,
  generation: count,
  service: z.enum(SERVICES),
  instance: name,
  store: name,
  /** Artifact id; empty where the alarm is about something else. */
  artifact: z.string().max(128),
  digest: z.string().max(128).nullable(),
  code: name,
  message: text,
  /** The lock that the bytes were measured against. */
  lockDigest: lockDigest.nullable(),
  raisedUnixMs: count,
  /** Two conflicting signed statuses, base64: an alarm that proves itself. */
  proof: z
    .array(z.base64().max(ENVELOPE_BYTES_MAX / 4))
    .max(2)
    .optional(),
});

/** An instance saw what must not be: bytes that do not match the lock, or a leader that contradicts itself. */
export type Alarm = Readonly<Omit<z.infer<typeof alarmSchema>, 'fleet' | 'generation'>>;

export interface SignedAlarm {
  readonly alarm: Alarm;
  /** SHA-256 of the payload, hex. */
  readonly id: string;
  readonly keyId: string;
  readonly envelope: Uint8Array;
}

/** Signs an alarm with the instance's key. */
export function signAlarm(
  alarm: Alarm,
  of: { readonly fleet: string; readonly generation: number },
  identity: RoleIdentity,
): Uint8Array {
  return seal('lock-alarm', alarmSchema.parse({ ...alarm, fleet: of.fleet, generation: of.generation }), identity);
}

/** Proves who raised an alarm; whether it is true is another question. */
export function openAlarm(bytes: Uint8Array, trust: RoleTrust, nowUnixMs: number): Verified<SignedAlarm> {
  const { message, key, digest } = open('lock-alarm', bytes, SPEAKERS, alarmSchema, trust, nowUnixMs);
  requireFleet(message, trust, 'alarm');
  requireSpeaker(message.instance, key, 'alarm');
  return asVerified({ alarm: message, id: digest, keyId: key.keyId, envelope: bytes });
}

/** The id of an alarm of one's own. */
export const alarmId = payloadDigest;

/**
 * Names a store: one host's copy of the models. All processes of one host that serve from one folder get the same name, whichever
 * computes it. `host` is the machine's id, or its name where it has none.
 */
export function storeId(host: string, modelsRoot: string): string {
  return `store-${sha256Hex(Buffer.from(`${host}\0${modelsRoot}`)).slice(0, 16)}`;
}
