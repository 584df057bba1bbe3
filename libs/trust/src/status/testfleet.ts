import { generateKeyPairSync } from 'node:crypto';
import { createIntermediate, createRootAuthority, issueRoleCertificate } from '../certificates/issue.ts';
import type { Role } from '../certificates/roles.ts';
import type { TrustDocument } from '../trustdocument.ts';
import { asVerified, type Verified } from '../verified.ts';
import { guardKey } from '../spki.ts';
import type { RoleIdentity } from './envelope.ts';
import type { Moment } from './moment.ts';
import type { NonceReply } from './nonce.ts';
import { roleTrust } from './roletrust.ts';
import type { LockStatus, SignedStatus } from './status.ts';

// What tests of this folder have in common: a fleet with real keys, and statuses to begin from.

export const T0 = Date.parse('2026-06-01T00:00:00Z');
const validity = { from: new Date(T0 - 1_000), to: new Date(T0 + 86_400_000) };

/** A trust domain made for one test file. */
export async function testFleet(fleet = 'fleet-a') {
  const root = await createRootAuthority('root', validity);
  const intermediate = await createIntermediate(root, 'intermediate', validity);
  const document: TrustDocument = {
    format: 'smartlite-trust/1',
    fleet,
    class: 'development',
    generation: 1,
    min_sequence: 0,
    roots: [root.certificate],
    thresholds: { lock: 1 },
    revocations: [],
  };
  const identity = async (role: Role, subject = 'asr-1'): Promise<RoleIdentity> => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    const leaf = await issueRoleCertificate(intermediate, { role, fleet, subject, spki }, validity);
    return { role, keyId: guardKey(spki, 'ed25519').keyId, privateKey, certificates: [leaf, intermediate.certificate] };
  };
  return { document, trust: roleTrust(document), identity };
}

/** A moment so many milliseconds after the start, by both clocks. */
export function at(ms: number): Moment {
  return { monotonicMs: 1_000 + ms, wallMs: T0 + ms };
}

const NORMAL: LockStatus = {
  fleet: 'fleet-a',
  generation: 1,
  epoch: 1,
  revision: 1,
  beat: 0,
  leader: 'verifier-1',
  mode: 'normal',
  lockDigest: `sha256:${'1'.repeat(64)}`,
  lockSequence: 1,
  artifacts: [],
  substitutions: {},
  refusedArtifacts: [],
  reasons: [],
  failures: [],
  resolved: [],
  quarantined: [],
  releases: [],
  control: null,
  issuedLeaderMs: 0,
  expiresLeaderMs: 5_000,
};

/** A status; what is not given is that of the first normal one. */
export function status(part: Partial<LockStatus> = {}): LockStatus {
  return { ...NORMAL, ...part };
}

/** A status as if its signature had been proven: for tests of what comes after that. */
export function proven(
  part: Partial<LockStatus> = {},
  { keyId = 'leader-key', releases = [] }: { keyId?: string; releases?: SignedStatus['releases'] } = {},
): Verified<SignedStatus> {
  const whole = status(part);
  return asVerified({
    status: whole,
    keyId,
    digest: JSON.stringify(whole),
    envelope: Buffer.from(JSON.stringify(whole)),
    releases,
  });
}

export function reply(part: Partial<NonceReply> & { readonly nonce: string }): Verified<NonceReply> {
  return asVerified({ epoch: 1, leaderMs: 0, status: null, keyId: 'leader-key', ...part });
}
