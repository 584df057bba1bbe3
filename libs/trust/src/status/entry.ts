import { sha256Hex } from '../digest.ts';
import { z } from 'zod';
import { openAlarm, type SignedAlarm } from './alarm.ts';
import { claimedKind, open, type RoleIdentity, type RoleTrust, seal } from './envelope.ts';
import { failureSchema } from './failure.ts';
import { requireFleet } from './fleet.ts';
import { openOrder, type SignedOrder } from './operator.ts';
import { compareOrder } from './order.ts';
import { count, fleet, hex64, lockDigest, name, text } from './schema.ts';
import { TrustError } from '../finding.ts';
import type { Verified } from '../verified.ts';
import { openStatus, type SignedStatus } from './status.ts';

const hex32 = z.string().regex(/^[0-9a-f]{32}$/);
const millis = z.int().min(1).max(3_600_000);

/** What verifiers write into the control log. The order of the log decides what each is worth. */
const bodySchema = z.discriminatedUnion('kind', [
  /** The log's first entry: its incarnation, and the rules by which it is folded. */
  z.strictObject({ kind: z.literal('open'), leadMs: millis, dwellMs: millis }),
  z.strictObject({ kind: z.literal('campaign'), epoch: count, store: name }),
  z.strictObject({ kind: z.literal('beat'), epoch: count, number: count }),
  z.strictObject({ kind: z.literal('resign'), epoch: count, because: text }),
  z.strictObject({ kind: z.literal('failure'), failure: failureSchema }),
  /** A full verification: every byte it vouches for is read between its `begin` and its `end`. */
  z.strictObject({ kind: z.literal('begin'), verification: hex32, store: name }),
  z.strictObject({
    kind: z.literal('end'),
    verification: hex32,
    store: name,
    lockDigest: lockDigest.nullable(),
    lockSequence: count.nullable(),
    /** Failures of this store that it found again. All others of the store, older than its `begin`, are closed by it. */
    standing: z.array(hex64).max(10_000),
  }),
  /** The leader's turn to normal, or to another lock. Holds only if the log has earned it. */
  z.strictObject({
    kind: z.literal('release'),
    epoch: count,
    lockDigest,
    lockSequence: count,
    mismatch: z.enum(['safe', 'tolerated']),
  }),
  z.strictObject({ kind: z.literal('quarantine'), epoch: count, store: name, because: text }),
]);
export type ControlBody = Readonly<z.infer<typeof bodySchema>>;

const entrySchema = z.strictObject({
  fleet,
  generation: count,
  /** Of the log that it was written for. */
  incarnation: hex64,
  author: name,
  boot: hex32,
  /** Rises within a boot, so that no entry counts twice. */
  counter: count,
  body: bodySchema,
});
export type ControlEntry = Readonly<z.infer<typeof entrySchema>>;

/** One message of the control log, proven. */
export type ControlMessage =
  | { readonly kind: 'entry'; readonly entry: ControlEntry; readonly keyId: string }
  | { readonly kind: 'alarm'; readonly signed: Verified<SignedAlarm>; readonly conflict: ConflictProof | null }
  | { readonly kind: 'witness'; readonly signed: Verified<SignedStatus> }
  | { readonly kind: 'order'; readonly signed: Verified<SignedOrder> }
  /** Whatever else lies there: takes its place in the chain and moves nobody. */
  | { readonly kind: 'noise'; readonly because: string };

/** Two statuses that cannot both be honest. */
export interface ConflictProof {
  readonly epoch: number;
  readonly keyIds: readonly string[];
}

/** A message at its place. `atMs` is the stream's own timestamp. */
export interface Placed {
  readonly position: number;
  readonly atMs: number;
  /** Kept for ever, and so part of the chain. Beats and alarms are not: the log keeps only the latest of them. */
  readonly lasting: boolean;
  /** SHA-256 of the bytes in the log, hex. */
  readonly digest: string;
  readonly message: ControlMessage;
}

/** Signs an entry with the verifier's status key. */
export function signEntry(entry: ControlEntry, identity: RoleIdentity): Uint8Array {
  return seal('control-entry', entry, identity);
}

/** Proves one message of the log as of the time that the stream gave it: certificates may have ended since. Never throws. */
export function openControl(bytes: Uint8Array, at: Pick<Placed, 'position' | 'atMs' | 'lasting'>, trust: RoleTrust): Placed {
  return { ...at, digest: sha256Hex(bytes), message: openMessage(bytes, trust, at.atMs) };
}

function openMessage(bytes: Uint8Array, trust: RoleTrust, atMs: number): ControlMessage {
  try {
    return openKnown(bytes, trust, atMs);
  } catch (failure) {
    return { kind: 'noise', because: failure instanceof Error ? failure.message : 'unreadable' };
  }
}

function openKnown(bytes: Uint8Array, trust: RoleTrust, atMs: number): ControlMessage {
  const kind = claimedKind(bytes);
  switch (kind) {
    case 'control-entry': {
      const { message, key } = open(kind, bytes, ['lock-status'], entrySchema, trust, atMs);
      requireFleet(message, trust, 'control entry');
      return { kind: 'entry', entry: message, keyId: key.keyId };
    }
    case 'lock-alarm': {
      const signed = openAlarm(bytes, trust, atMs);
      return { kind: 'alarm', signed, conflict: proveConflict(signed.alarm.proof, trust, atMs) };
    }
    case 'lock-status':
      return { kind: 'witness', signed: openStatus(bytes, trust, atMs) };
    case 'operator-order':
      return { kind: 'order', signed: openOrder(bytes, trust, atMs) };
    default:
      throw new TrustError('SIGNATURE_MALFORMED', `the control log holds a ${kind ?? 'message of no kind of ours'}`);
  }
}

/** Checks the objects of an alarm that proves itself. Null where they prove nothing. */
export function proveConflict(proof: readonly string[] | undefined, trust: RoleTrust, atMs: number): ConflictProof | null {
  const [first, second] = (proof ?? []).map((status) => openStatus(Buffer.from(status, 'base64'), trust, atMs));
  if (first === undefined || second === undefined || first.status.epoch !== second.status.epoch) return null;
  const contradicts =
    first.keyId !== second.keyId || (compareOrder(first.status, second.status) === 0 && first.digest !== second.digest);
  return contradicts ? { epoch: first.status.epoch, keyIds: [...new Set([first.keyId, second.keyId])] } : null;
}
