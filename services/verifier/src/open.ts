import { type Platform, thisHost } from '@smartlite/chassis';
import { MeshError, SUBJECTS } from '@smartlite/contracts';
import { BEAT_MS, controlMode, RENEWAL_MS, roleTrust, type RoleTrust, type SignedOrder, storeId } from '@smartlite/trust';
import type { VerifierConfig } from './config.ts';
import { controlStream } from './stores/controlstream.ts';
import { identityFiles } from './stores/identityfiles.ts';
import { journalFile, journalPath } from './stores/journal.ts';
import { lockBus } from './stores/lockbus.ts';
import { markPath, modelStore } from './stores/modelstore.ts';
import { stateKeeper } from './statekeeper.ts';
import { webhook } from './stores/webhook.ts';
import { teller } from './tell.ts';
import type { AlertSender } from './engine.ts';
import { Verifier, type VerifierParts } from './verifier.ts';

/** A verifier with its stores open. */
export interface Opened {
  readonly verifier: Verifier;
  readonly trust: RoleTrust;
  /** Publishes an alarm where its author could not: broadcast and log entry in one. */
  readonly relay: (alarm: Uint8Array) => Promise<void>;
  /** The mode after an order was folded. Throws where it was not taken. */
  readonly outcomeOf: (order: SignedOrder) => string;
}

/** Opens everything that a verifier needs from outside, and starts it. */
export async function openVerifier(config: VerifierConfig, platform: Platform): Promise<Opened> {
  const trust = roleTrust(platform.models.trust);
  const identity = identityFiles(config.identity);
  const keeper = stateKeeper(config.lock, platform.instance, () => platform.clock.nowMs());
  const verifier = await Verifier.start({
    self: selfOf(platform, trust, identity().keyId),
    times: timesOf(config),
    identity,
    trust,
    clock: platform.clock,
    ids: platform.ids,
    log: platform.log,
    controlLog: (sign) =>
      controlStream({
        bus: platform.bus,
        log: platform.log,
        trust,
        replicas: config.natsReplicas,
        sign,
        stopping: platform.stopping,
      }),
    bus: await lockBus(
      { natsUrl: config.natsUrl, natsCredentials: config.natsCredentials, name: `${platform.instance} lock status` },
      platform.log,
    ),
    journal: journalFile(journalPath(config.home, platform.instance)),
    store: modelStore(
      { lock: config.lock, pack: config.pack, models: platform.models.root, mark: markPath(config.home) },
      platform.models.trust,
      { nowMs: () => platform.clock.nowMs(), log: platform.log },
    ),
    tell: teller(platform, keeper, alertSender(config, platform)),
    stopping: platform.stopping,
  });
  return {
    verifier,
    trust,
    relay: async (alarm) => void (await platform.bus.jetstream.publish(SUBJECTS.lockAlarm, alarm)),
    outcomeOf: (order) => outcomeOf(verifier, order),
  };
}

/** Where alerts go besides the bus; null where no webhook is set. */
function alertSender({ alertWebhook, alertWebhookSecret }: VerifierConfig, platform: Platform): AlertSender | null {
  if (alertWebhook === undefined) return null;
  if (alertWebhookSecret === undefined)
    throw new MeshError(
      'invalid-argument',
      'SMARTLITE_ALERT_WEBHOOK is set without SMARTLITE_ALERT_WEBHOOK_SECRET: name the file of its secret',
    );
  const { clock, ids, log, stopping, metrics } = platform;
  const attempts = metrics.counter('webhook_attempts_total', 'Attempts to deliver an alert to the webhook', ['outcome']);
  const onAttempt = (outcome: string) => attempts.inc({ outcome });
  return webhook({ url: alertWebhook, secretFile: alertWebhookSecret, clock, ids, log, stopping, onAttempt });
}

function selfOf(platform: Platform, { fleet, generation }: RoleTrust, keyId: string): VerifierParts['self'] {
  const boot = Buffer.from(platform.ids.bytes(16)).toString('hex');
  return { fleet, generation, instance: platform.instance, keyId, boot, store: storeId(thisHost(), platform.models.root) };
}

function timesOf(config: VerifierConfig): VerifierParts['times'] {
  return {
    leadMs: config.leaderLeaseMs,
    ttlMs: config.statusLeaseMs,
    dwellMs: config.releaseDwellMs,
    // Four beats within a leader's lease, whatever that is set to.
    beatMs: Math.min(BEAT_MS, config.leaderLeaseMs / 4),
    renewalMs: Math.min(RENEWAL_MS, config.statusLeaseMs / 4),
    unsafeEveryMs: config.verifyUnsafeEveryMs,
    verifyEveryMs: config.verifyEveryMs,
  };
}

function outcomeOf(verifier: Verifier, { id, order }: SignedOrder): string {
  if (!verifier.control.usedOrders.has(id)) throw new MeshError('conflict', 'the order is past its end: sign a new one');
  if (
    order.action === 'release' &&
    !order.failures.every((failure) => verifier.control.failures.get(failure)?.released === true)
  ) {
    throw new MeshError(
      'conflict',
      'the release names a lock or failures that the control log does not know: read the status again and sign anew',
    );
  }
  return controlMode(verifier.control);
}
