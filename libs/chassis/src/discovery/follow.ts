import { createInbox, type NatsConnection } from 'nats';
import { type Directory, PING_MS } from './directory.ts';
import { parseSighting } from './instancefacts.ts';

/** Asks all instances once a second who they are and how loaded, and tells the directory. Returns how to stop. */
export function followInstances(nats: NatsConnection, directory: Directory): () => void {
  const inbox = createInbox();
  const answers = nats.subscribe(inbox, {
    callback: (error, message) => {
      const sighting = error ? undefined : parseSighting(message.data);
      if (sighting) directory.see(sighting);
    },
  });
  const ask = () => {
    // While the connection is away the answers would be too.
    if (!nats.isClosed()) nats.publish('$SRV.STATS', '', { reply: inbox });
  };
  ask();
  const timer = setInterval(ask, PING_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    answers.unsubscribe();
  };
}
