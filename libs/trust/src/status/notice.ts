import { sha256Hex } from '../digest.ts';
import { z } from 'zod';
import { open, type RoleIdentity, type RoleTrust, seal } from './envelope.ts';
import { requireFleet } from './fleet.ts';
import { count, fleet, hex64, name } from './schema.ts';
import { requireSpeaker, SPEAKERS } from './speaker.ts';
import { TrustError } from '../finding.ts';
import { asVerified, type Verified } from '../verified.ts';

const noticeSchema = z.strictObject({
  fleet,
  generation: count,
  /** The subject that it was published on. */
  subject: name,
  id: name,
  /** `/smartlite/<service>/<instance>`. */
  source: name,
  time: name,
  /** SHA-256 of the body, hex. */
  data: hex64,
});

/** Who says what about an event or an alert; the body itself travels beside it. */
export type Notice = Readonly<Omit<z.infer<typeof noticeSchema>, 'fleet' | 'generation' | 'data'>>;

export interface SignedNotice {
  readonly notice: Notice;
  readonly keyId: string;
}

/** Signs an event or alert with the instance's key: an envelope that goes into a header of the message. */
export function signNotice(
  { subject, id, source, time }: Notice,
  body: Uint8Array,
  of: { readonly fleet: string; readonly generation: number },
  identity: RoleIdentity,
): Uint8Array {
  const { fleet, generation } = of;
  return seal('event-notice', { fleet, generation, subject, id, source, time, data: sha256Hex(body) }, identity);
}

/** Proves that an instance of the fleet has published exactly this body, under these attributes, on this subject. */
export function openNotice(
  bytes: Uint8Array,
  expected: Notice & { readonly body: Uint8Array },
  trust: RoleTrust,
  nowUnixMs: number,
): Verified<SignedNotice> {
  const { message, key } = open('event-notice', bytes, SPEAKERS, noticeSchema, trust, nowUnixMs);
  requireFleet(message, trust, 'event');
  requireSpeaker(message.source.split('/').at(-1) ?? '', key, 'event');
  for (const attribute of ['subject', 'id', 'source', 'time'] as const)
    if (message[attribute] !== expected[attribute])
      throw new TrustError('SIGNATURE_INVALID', `the event's ${attribute} is not the one that was signed`);
  if (message.data !== sha256Hex(expected.body))
    throw new TrustError('SIGNATURE_INVALID', "the event's data are not those that were signed");
  return asVerified({ notice: message, keyId: key.keyId });
}
