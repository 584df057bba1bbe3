import { type ServiceName, SUBJECTS } from '@smartlite/contracts';
import type { NatsConnection } from 'nats';
import { type Identity, type Load, NAME_PREFIX } from './instancefacts.ts';

/**
 * Announces this instance as a NATS micro service, so that peers and the stock `nats` tool find it. `load` is asked at each STATS.
 * Its one endpoint answers the same facts, for micro shows data of endpoints only.
 */
export async function announce(
  nats: NatsConnection,
  service: ServiceName,
  identity: Identity,
  load: () => Load,
): Promise<{ stop(): Promise<void> }> {
  const announced = await nats.services.add({
    name: NAME_PREFIX + service,
    version: identity.version,
    description: `SmartLite ${service}`,
    metadata: { ...identity },
    statsHandler: async () => load(),
  });
  announced.addEndpoint('load', {
    subject: SUBJECTS.load(service, identity.instance),
    handler: (error, message) => {
      if (!error) message.respond(JSON.stringify(load()));
    },
  });
  return {
    async stop() {
      // Whoever has seen this instance would else go on calling it until its answers are missed.
      if (!nats.isClosed()) nats.publish(SUBJECTS.drain(service, identity.instance));
      await announced.stop();
    },
  };
}
