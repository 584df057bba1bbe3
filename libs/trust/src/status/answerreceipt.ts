import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { sha256Hex } from '../digest.ts';
import { TrustError } from '../finding.ts';
import { parseStrictJson } from '../json.ts';
import { pae } from '../pae.ts';
import { asVerified, type Verified } from '../verified.ts';
import type { BootKey } from './bootkey.ts';
import { payloadType } from './envelope.ts';
import { count, fleet, hex64, lockDigest, name, text } from './schema.ts';

/** An answer's entry is in the log by then, or the receipt is evidence that its promise was broken. */
export const RECEIPT_DUE_MS = 10_000;

const VERSION = 'smartlite-receipt-v1';
/** A receipt with its certificate has about 6 kB; more is none of ours. */
const RECEIPT_CHARS_MAX = 64 * 1024;
const STAGES_MAX = 8;

const digests = z.record(z.string().regex(/^[a-z]{1,32}$/), hex64);
const stage = z.strictObject({
  stage: name,
  model: name,
  tier: text,
  role: text,
  /** Why this model: in words. */
  because: text,
  /** Digests of the model's artifacts as they were loaded. */
  artifacts: z.array(lockDigest).max(64),
  lock: z.string().max(100),
  /** Order of the lock status that permitted it, `generation.epoch.revision.beat`. */
  order: z.string().max(100),
});
const schema = z.strictObject({
  fleet,
  generation: count,
  service: name,
  instance: name,
  boot: name,
  /** Id of the audit entry that says the same. */
  entry: z.string().min(1).max(400),
  atUnixMs: count,
  /** By then the entry is in the log. */
  dueUnixMs: count,
  traceId: z.string().max(64),
  /** By part of the request and of the answer: SHA-256 over salt, name and bytes. The salt is the caller's alone. */
  request: digests,
  output: digests,
  stages: z.array(stage).max(STAGES_MAX),
});

export type AnswerStage = Readonly<z.infer<typeof stage>>;
/**
 * The word of one instance: this request, known by salted digests, was answered with that output by these models, under this lock, at
 * that order of its status. It is an assertion, not a proof of computation; before its entry is logged it is a promise with a deadline.
 */
export type AnswerReceipt = Readonly<z.infer<typeof schema>>;

/** Signs a receipt with the boot's key. `certificate` is the boot key's own, where the log does not hold it yet. */
export function encodeAnswerReceipt(receipt: AnswerReceipt, privateKey: KeyObject, certificate?: Uint8Array) {
  const payload = Buffer.from(JSON.stringify(schema.parse(receipt)));
  const signature = sign(null, pae(payloadType('answer-receipt'), payload), privateKey);
  const parts = [payload, signature, ...(certificate ? [certificate] : [])].map((part) =>
    Buffer.from(part).toString('base64url'),
  );
  return { text: [VERSION, ...parts].join('.'), digest: sha256Hex(payload) };
}

/** A receipt as it was read: nothing of it is proven. */
export interface UnprovenReceipt {
  readonly receipt: AnswerReceipt;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  readonly certificate: Uint8Array | undefined;
  /** SHA-256 of the payload, hex: what the audit entry names. */
  readonly digest: string;
}

/** Shape and bounds only. Throws SIGNATURE_MALFORMED. */
export function readAnswerReceipt(textual: string): UnprovenReceipt {
  const refuse = (what: string) => new TrustError('SIGNATURE_MALFORMED', `this is no receipt: ${what}`);
  if (textual.length > RECEIPT_CHARS_MAX) throw refuse(`it is longer than ${RECEIPT_CHARS_MAX} characters`);
  const [version, ...encoded] = textual.trim().split('.');
  if (version !== VERSION || encoded.length < 2 || encoded.length > 3) throw refuse(`${VERSION} and two or three parts are due`);
  const parts = encoded.map((part) => Buffer.from(part, 'base64url'));
  if (parts.some((part, at) => part.toString('base64url') !== encoded[at])) throw refuse('a part is not base64url');
  const [payload = Buffer.of(), signature = Buffer.of(), certificate] = parts;
  const parsed = schema.safeParse(jsonOf(payload));
  if (!parsed.success) throw refuse(parsed.error.issues[0]?.message ?? 'its payload is malformed');
  return { receipt: parsed.data, payload, signature, certificate, digest: sha256Hex(payload) };
}

/** Proves that the boot's key has signed it, and that it speaks for itself. Throws SIGNATURE_INVALID or KEY_WRONG_ROLE. */
export function openAnswerReceipt(
  { receipt, payload, signature }: UnprovenReceipt,
  key: Verified<BootKey>,
): Verified<AnswerReceipt> {
  const { statement, publicKey } = key;
  if (!verify(null, pae(payloadType('answer-receipt'), payload), publicKey, signature))
    throw new TrustError('SIGNATURE_INVALID', 'the receipt was changed after it was signed, or never was');
  for (const field of ['fleet', 'generation', 'service', 'instance', 'boot'] as const)
    if (receipt[field] !== statement[field])
      throw new TrustError('KEY_WRONG_ROLE', `the receipt names ${field} ${receipt[field]}, its key is of ${statement[field]}`);
  return asVerified(receipt);
}

/** Which part of a request or an answer a digest is of. */
export type SaltedPart = 'audio' | 'messages' | 'input' | 'transcript' | 'answer';

/** A salted digest that grows with what is given to it; `hex` is asked for once. `salt`: 16 bytes, hex. */
export function saltedHash(salt: string, part: SaltedPart): { update(bytes: Uint8Array | string): void; hex(): string } {
  const hash = createHash('sha256').update(Buffer.from(salt, 'hex')).update(`${part}\0`);
  return {
    update: (bytes) => void hash.update(bytes),
    hex: () => hash.digest('hex'),
  };
}

/** Strict: a key that is there twice would say one thing to one reader and another to the next. */
function jsonOf(bytes: Uint8Array): unknown {
  try {
    return parseStrictJson(bytes, { file: 'receipt', bytesMax: RECEIPT_CHARS_MAX });
  } catch (caught) {
    if (caught instanceof TrustError) return undefined;
    throw caught;
  }
}
