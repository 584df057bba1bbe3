import type { ServiceName } from '@smartlite/contracts';
import { roleTrust, storeId, type TrustDocument } from '@smartlite/trust';
import type { NatsConnection } from 'nats';
import type { Log, Metrics, Peers, Trail } from '../platform.ts';
import type { BaseSettings } from '../settings/base.ts';
import { systemClock, systemIds } from '../system.ts';
import { LockGuard } from './guard.ts';
import { thisHost } from './host.ts';
import { readIdentity } from './identity.ts';
import { natsLockLink } from './natslink.ts';

export interface StartParts {
  readonly service: ServiceName;
  readonly instance: string;
  readonly base: BaseSettings;
  readonly nats: NatsConnection;
  readonly trust: TrustDocument;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly trail: Trail;
  readonly peers: Pick<Peers, 'verifier'>;
}

/** Starts this process' guard. The status is asked for, not waited on: until it is there, nothing is permitted. */
export function startLockGuard({ base, nats, trust, peers, ...parts }: StartParts): LockGuard {
  const { service, instance, log } = parts;
  let identity = readIdentity(base.identity, service);
  // Whoever started this process renews the certificate in place and says so.
  process.on('message', (message) => {
    if (!isRenewal(message)) return;
    try {
      identity = readIdentity(base.identity, service);
    } catch (error) {
      log.error('the renewed identity cannot be read; the old one stays', { error });
    }
  });
  const guard = new LockGuard({
    ...parts,
    clock: systemClock,
    ids: systemIds,
    region: base.region,
    trust: roleTrust(trust),
    identity: () => identity,
    store: storeId(thisHost(), base.models),
    link: natsLockLink(nats, service, instance),
    alsoRaise: (alarm) => peers.verifier.raiseAlarm({ signedAlarm: Buffer.from(alarm) }, {}),
  });
  guard.start();
  return guard;
}

function isRenewal(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'identity-renewed';
}
