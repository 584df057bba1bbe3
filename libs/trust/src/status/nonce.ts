import { z } from 'zod';
import { open, type RoleIdentity, type RoleTrust, seal } from './envelope.ts';
import { requireFleet } from './fleet.ts';
import { ENVELOPE_BYTES_MAX } from './limits.ts';
import { count, fleet } from './schema.ts';
import { TrustError } from '../finding.ts';
import { asVerified, type Verified } from '../verified.ts';
import { openStatus, type SignedStatus } from './status.ts';

const nonceText = z.string().regex(/^[0-9a-f]{32}$/);
const requestSchema = z.strictObject({ nonce: nonceText });
const replySchema = z.strictObject({
  fleet,
  generation: count,
  nonce: nonceText,
  epoch: count,
  /** The leader's time at the moment of signing. */
  leaderMs: count,
  /** Its current status, base64; null before its first. */
  status: z.base64().max(ENVELOPE_BYTES_MAX).nullable(),
});

export interface NonceAnswer {
  readonly fleet: string;
  readonly generation: number;
  readonly nonce: string;
  readonly epoch: number;
  readonly leaderMs: number;
  readonly status: Uint8Array | null;
}

export interface NonceReply {
  readonly nonce: string;
  readonly epoch: number;
  readonly leaderMs: number;
  readonly status: Verified<SignedStatus> | null;
  readonly keyId: string;
}

/** A guard's question: any 16 random bytes as hex. */
export function encodeNonceRequest(nonce: string): Uint8Array {
  return Buffer.from(JSON.stringify({ nonce }));
}

/** The nonce of a question. Attacker-controlled; throws on anything else. */
export function parseNonceRequest(bytes: Uint8Array): string {
  if (bytes.byteLength > 128) throw new TrustError('SIGNATURE_MALFORMED', 'the nonce request is too long');
  return requestSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))).nonce;
}

/** The leader's answer: binds the nonce to its epoch, its time and its current status. */
export function signNonceReply(answer: NonceAnswer, identity: RoleIdentity): Uint8Array {
  return seal(
    'nonce-reply',
    { ...answer, status: answer.status === null ? null : Buffer.from(answer.status).toString('base64') },
    identity,
  );
}

/** Proves an answer and the status in it; both must have one signer and one epoch. */
export function openNonceReply(bytes: Uint8Array, trust: RoleTrust, nowUnixMs: number): Verified<NonceReply> {
  const { message, key } = open('nonce-reply', bytes, ['lock-status'], replySchema, trust, nowUnixMs);
  requireFleet(message, trust, 'nonce reply');
  const status = message.status === null ? null : openStatus(Buffer.from(message.status, 'base64'), trust, nowUnixMs);
  if (status !== null && (status.keyId !== key.keyId || status.status.epoch !== message.epoch)) {
    throw new TrustError('SIGNATURE_INVALID', "the nonce reply carries another leader's status");
  }
  return asVerified({ nonce: message.nonce, epoch: message.epoch, leaderMs: message.leaderMs, status, keyId: key.keyId });
}
