import { type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import type { Role } from '../certificates/roles.ts';
import { TrustError } from '../finding.ts';
import { sha256Hex } from '../digest.ts';
import { pae } from '../pae.ts';
import { ENVELOPE_BYTES_MAX } from './limits.ts';

/** Who may sign: a role's private key with its certificate chain (PEM, leaf first). */
export interface RoleIdentity {
  readonly role: Role;
  /** SHA-256 of the key's SPKI, hex. */
  readonly keyId: string;
  readonly privateKey: KeyObject;
  readonly certificates: readonly string[];
}

/** A key whose certificate chain has been proven for its role. */
export interface RoleKey {
  readonly keyId: string;
  readonly role: Role;
  /** Whom the certificate names: the instance's, verifier's or operator's name. */
  readonly subject: string;
  readonly publicKey: KeyObject;
}

/** What signed messages are judged against: one fleet, one generation of its trust document, and the roles' certificates. */
export interface RoleTrust {
  readonly fleet: string;
  readonly generation: number;
  /** Proves that the chain leads to the fleet's root, is valid at that time, and gives one of these roles; else throws. */
  role(certificates: readonly string[], roles: readonly Role[], nowUnixMs: number): RoleKey;
}

/** The kinds of signed messages. The kind is part of what is signed, so that no message is ever valid as another. */
export type MessageKind =
  | 'lock-status'
  | 'nonce-reply'
  | 'lock-alarm'
  | 'lock-ack'
  | 'operator-order'
  | 'control-entry'
  | 'event-notice'
  | 'audit-receipt'
  | 'trail-term'
  | 'boot-key'
  | 'audit-entry'
  | 'answer-receipt'
  | 'budget-order'
  | 'ledger-page'
  | 'ledger-snapshot';

/** What a signature of this kind is over, in DSSE's terms. */
export const payloadType = (kind: MessageKind) => `application/vnd.smartlite.${kind}+json`;

const base64 = z.base64().max(ENVELOPE_BYTES_MAX);
const envelopeSchema = z.strictObject({
  payloadType: z.string().max(100),
  payload: base64,
  signatures: z.array(z.strictObject({ keyid: z.string().regex(/^[0-9a-f]{64}$/), sig: base64 })).length(1),
  certificates: z.array(z.string().max(8_192)).min(1).max(4),
});

/** A DSSE envelope (v1) with one Ed25519 signature, and the signer's certificates beside it. The same input gives the same bytes. */
export function seal(kind: MessageKind, payload: unknown, identity: RoleIdentity): Uint8Array {
  const body = Buffer.from(JSON.stringify(payload));
  const sig = sign(null, pae(payloadType(kind), body), identity.privateKey).toString('base64');
  const envelope = {
    payloadType: payloadType(kind),
    payload: body.toString('base64'),
    signatures: [{ keyid: identity.keyId, sig }],
    certificates: identity.certificates,
  };
  return Buffer.from(JSON.stringify(envelope));
}

/** A message whose signature and signer's role have been proven. */
export interface Opened<T> {
  readonly message: T;
  readonly key: RoleKey;
  /** SHA-256 of the payload, hex: the message's identity, whoever carries it. */
  readonly digest: string;
}

/** Proves the envelope and then parses its payload, in this order. Throws a TrustError that says what is wrong. */
export function open<T>(
  kind: MessageKind,
  bytes: Uint8Array,
  roles: readonly Role[],
  schema: z.ZodType<T>,
  trust: RoleTrust,
  nowUnixMs: number,
): Opened<T> {
  const envelope = parseEnvelope(kind, bytes);
  const key = trust.role(envelope.certificates, roles, nowUnixMs);
  const payload = Buffer.from(envelope.payload, 'base64');
  const [signature] = envelope.signatures;
  if (signature === undefined || signature.keyid !== key.keyId) throw refuse(kind, 'names another key than its certificate');
  if (!verify(null, pae(payloadType(kind), payload), key.publicKey, Buffer.from(signature.sig, 'base64')))
    throw refuse(kind, 'has a signature that does not hold');
  return { message: parsePayload(kind, payload, schema), key, digest: sha256Hex(payload) };
}

/** The identity of a message that is one's own, or not to be trusted yet: SHA-256 of its payload, hex. */
export function payloadDigest(bytes: Uint8Array): string {
  const { payload } = envelopeSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  return sha256Hex(Buffer.from(payload, 'base64'));
}

/** What kind of message an envelope claims to be; undefined for one that is none of ours. Proves nothing. */
export function claimedKind(bytes: Uint8Array): MessageKind | undefined {
  const match = /^\{"payloadType":"application\/vnd\.smartlite\.([a-z-]+)\+json"/.exec(
    Buffer.from(bytes.subarray(0, 120)).toString('latin1'),
  );
  return match?.[1] as MessageKind | undefined;
}

function parseEnvelope(kind: MessageKind, bytes: Uint8Array): z.infer<typeof envelopeSchema> {
  if (bytes.byteLength > ENVELOPE_BYTES_MAX)
    throw refuse(kind, `has ${bytes.byteLength} bytes, above the limit of ${ENVELOPE_BYTES_MAX}`);
  const parsed = envelopeSchema.safeParse(parseJson(kind, bytes));
  if (!parsed.success) throw refuse(kind, 'is not a DSSE envelope of ours');
  if (parsed.data.payloadType !== payloadType(kind)) throw refuse(kind, `is a ${parsed.data.payloadType}`);
  return parsed.data;
}

function parsePayload<T>(kind: MessageKind, payload: Uint8Array, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(parseJson(kind, payload));
  if (!parsed.success)
    throw refuse(kind, `is malformed: ${parsed.error.issues[0]?.path.join('/') ?? ''} ${parsed.error.issues[0]?.message ?? ''}`);
  return parsed.data;
}

function parseJson(kind: MessageKind, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw refuse(kind, 'is not JSON', cause);
  }
}

function refuse(kind: MessageKind, what: string, cause?: unknown): TrustError {
  return new TrustError('SIGNATURE_INVALID', `the ${kind} ${what}`, cause);
}
