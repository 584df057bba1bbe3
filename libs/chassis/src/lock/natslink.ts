import { type ServiceName, STREAMS, SUBJECTS } from '@smartlite/contracts';
import type { NatsConnection } from 'nats';
import type { LockLink } from './link.ts';

/** The leader answers within milliseconds; the next question follows soon. */
const NONCE_TIMEOUT_MS = 1_000;
const STORE_TIMEOUT_MS = 2_000;

/** The lock's own connection to NATS: audio and audit entries that queue up elsewhere must not delay SAFE. */
export function natsLockLink(nats: NatsConnection, service: ServiceName, instance: string): LockLink {
  const jetstream = nats.jetstream({ timeout: STORE_TIMEOUT_MS });
  return {
    onStatus(listener) {
      const statuses = nats.subscribe(SUBJECTS.lockStatus, {
        callback: (error, message) => void (error ?? listener(message.data)),
      });
      return () => statuses.unsubscribe();
    },
    async lastStatus() {
      try {
        const manager = await nats.jetstreamManager({ timeout: STORE_TIMEOUT_MS });
        return (await manager.streams.getMessage(STREAMS.lock, { last_by_subj: SUBJECTS.lockStatus })).data;
      } catch {
        // None yet, or JetStream is away: the broadcast or a nonce reply brings it.
        return undefined;
      }
    },
    async askNonce(request) {
      return (await nats.request(SUBJECTS.lockNonce, request, { timeout: NONCE_TIMEOUT_MS })).data;
    },
    async raise(alarm) {
      await jetstream.publish(SUBJECTS.lockAlarm, alarm);
    },
    acknowledge: (ack) => nats.publish(SUBJECTS.lockAck(service, instance), ack),
  };
}
