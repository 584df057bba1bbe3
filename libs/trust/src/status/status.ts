import { z } from 'zod';
import { open, type RoleIdentity, type RoleTrust, seal } from './envelope.ts';
import { failureSchema } from './failure.ts';
import { requireFleet } from './fleet.ts';
import { FAILURES_NAMED_MAX, RELEASES_CARRIED_MAX, RESOLVED_NAMED_MAX } from './limits.ts';
import { openOrder, type SignedOrder } from './operator.ts';
import { count, fleet, hex64, lockDigest, name, text } from './schema.ts';
import { asVerified, type Verified } from '../verified.ts';

const statusSchema = z.strictObject({
  fleet,
  generation: count,
  epoch: count,
  revision: count,
  beat: count,
  /** Instance id of the leading verifier. */
  leader: name,
  mode: z.enum(['normal', 'safe', 'halted']),
  lockDigest: lockDigest.nullable(),
  lockSequence: count.nullable(),
  artifacts: z.array(z.strictObject({ id: name, state: z.enum(['verified', 'refused', 'missing']) })).max(10_000),
  /** Model id -> model id: whom a missing primary is replaced by. */
  substitutions: z.record(name, name),
  refusedArtifacts: z.array(name).max(10_000),
  reasons: z.array(text).max(FAILURES_NAMED_MAX),
  /** Open failures. */
  failures: z.array(failureSchema).max(FAILURES_NAMED_MAX),
  /** Ids of closed failures, the latest last. */
  resolved: z.array(hex64).max(RESOLVED_NAMED_MAX),
  /** Stores and key ids that may not serve until they are readmitted. */
  quarantined: z.array(name).max(10_000),
  /** Operators' signed releases (base64) that the resolved list rests on. */
  releases: z.array(z.base64()).max(RELEASES_CARRIED_MAX),
  /** The control log's position and chain head that this status rests on. */
  control: z.strictObject({ incarnation: hex64, position: count, head: hex64 }).nullable(),
  /** In the leader's time: milliseconds on its monotonic clock since its election. */
  issuedLeaderMs: count,
  expiresLeaderMs: count,
});

/** The signed, leased broadcast of the verdict. */
export type LockStatus = Readonly<z.infer<typeof statusSchema>>;

/** A status with its proof. */
export interface SignedStatus {
  readonly status: LockStatus;
  readonly keyId: string;
  /** SHA-256 of the payload, hex. */
  readonly digest: string;
  readonly envelope: Uint8Array;
  /** The operators' releases that it carries, opened. */
  readonly releases: readonly Verified<SignedOrder>[];
}

/** Whether a status lets models answer; such a one must be fresh, a restrictive one need not be. */
export function permits(status: LockStatus): boolean {
  return status.mode === 'normal';
}

/** Signs a status with the leader's `lock-status` key. */
export function signStatus(status: LockStatus, identity: RoleIdentity): Uint8Array {
  return seal('lock-status', status, identity);
}

/** Proves signature, role, fleet and generation of a status; says nothing of its order and freshness, which the guard judges. */
export function openStatus(bytes: Uint8Array, trust: RoleTrust, nowUnixMs: number): Verified<SignedStatus> {
  const { message, key, digest } = open('lock-status', bytes, ['lock-status'], statusSchema, trust, nowUnixMs);
  requireFleet(message, trust, 'lock status');
  const releases = message.releases.map((release) => openOrder(Buffer.from(release, 'base64'), trust, nowUnixMs));
  return asVerified({ status: message, keyId: key.keyId, digest, envelope: bytes, releases });
}
