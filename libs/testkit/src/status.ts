import { ensureStreams } from '@smartlite/chassis/parts';
import { SUBJECTS } from '@smartlite/contracts';
import { type LockStatus, parseNonceRequest, signNonceReply, signStatus } from '@smartlite/trust';
import '@smartlite/contracts/nats-socket';
import { connect } from 'nats';
import type { TestDomain } from './domain/domain.ts';

/** At most this far apart, and several within one lease. */
const RENEWAL_MS = 1_000;
const RENEWALS_PER_LEASE = 4;

export interface StatusPublisherOptions {
  readonly leaseMs?: number;
  readonly mode?: LockStatus['mode'];
  readonly instance?: string;
  readonly epoch?: number;
}

/** A leader of its own: no election, no log, but statuses and nonce replies as the rules want them, signed with a real key. */
export interface StatusPublisher extends AsyncDisposable {
  /** A new revision in this mode, broadcast at once. */
  become(mode: LockStatus['mode'], change?: Partial<LockStatus>): void;
  /** Falls silent, as a verifier that was killed: no renewals, no replies. */
  silence(): void;
  /** Current status, signed. */
  envelope(): Uint8Array;
}

/** An honest stand-in for the verifier, for tests that are not about the verifier. */
export async function statusPublisher(
  natsUrl: string,
  domain: TestDomain,
  options: StatusPublisherOptions = {},
): Promise<StatusPublisher> {
  const { leaseMs = 30_000, mode = 'normal', instance = 'verifier-test', epoch = 1 } = options;
  const identity = await domain.identity('lock-status', instance);
  const nats = await connect({ servers: natsUrl });
  const startedMs = performance.now();
  const leaderMs = () => Math.floor(performance.now() - startedMs);
  let order = { revision: 1, beat: 0 };
  let verdict: Partial<LockStatus> & { readonly mode: LockStatus['mode'] } = { mode };
  let silent = false;

  const envelope = () => {
    const status: LockStatus = {
      fleet: domain.keys.trust.fleet,
      generation: domain.keys.trust.generation,
      epoch,
      ...order,
      leader: instance,
      lockDigest: domain.lockDigest(),
      lockSequence: domain.lockSequence(),
      artifacts: [],
      substitutions: {},
      refusedArtifacts: [],
      reasons: [],
      failures: [],
      resolved: [],
      quarantined: [],
      releases: [],
      control: null,
      issuedLeaderMs: leaderMs(),
      expiresLeaderMs: leaderMs() + leaseMs,
      ...verdict,
    };
    return signStatus(status, identity);
  };
  let latest = envelope();
  const renew = () => {
    if (silent) return;
    order = { ...order, beat: order.beat + 1 };
    latest = envelope();
    nats.publish(SUBJECTS.lockStatus, latest);
  };
  nats.subscribe(SUBJECTS.lockNonce, {
    callback: (error, message) => {
      if (error || silent) return;
      const { fleet, generation } = domain.keys.trust;
      message.respond(
        signNonceReply(
          { fleet, generation, nonce: parseNonceRequest(message.data), epoch, leaderMs: leaderMs(), status: latest },
          identity,
        ),
      );
    },
  });
  // The stream that keeps the last status, in case no service has made it yet.
  await ensureStreams(await nats.jetstreamManager(), 1);
  renew();
  const timer = setInterval(renew, Math.min(RENEWAL_MS, leaseMs / RENEWALS_PER_LEASE));
  return {
    envelope: () => latest,
    become(next, change = {}) {
      order = { revision: order.revision + 1, beat: 0 };
      verdict = { ...change, mode: next };
      renew();
    },
    silence() {
      silent = true;
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await nats.close();
    },
  };
}
