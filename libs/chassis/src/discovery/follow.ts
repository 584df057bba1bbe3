import { SUBJECTS } from '@smartlite/contracts';
import { createInbox, type NatsConnection } from 'nats';
import { type Directory, PING_MS } from './directory.ts';
import { parseSighting } from './instancefacts.ts';

/** Parts of a drain's subject before the instance's id. */
const DRAIN_PARTS = 3;

/** Asks all instances once a second who they are and how loaded, and tells the directory. Returns how to stop. */
export function followInstances(nats: NatsConnection, directory: Directory): () => void {
  const inbox = createInbox(inboxPrefixOf(nats));
  const answers = nats.subscribe(`${inbox}.*`, {
    callback: (error, message) => {
      const sighting = error ? undefined : parseSighting(message.data);
      if (sighting) directory.see(sighting);
    },
  });
  const drains = nats.subscribe(SUBJECTS.drains, {
    callback: (error, { subject }) => {
      // smartlite.drain.<service>.<instance>; who may say it of whom is a matter of permissions.
      if (!error) directory.drain(subject.split('.').slice(DRAIN_PARTS).join('.'));
    },
  });
  let asked = 0;
  const ask = () => {
    // While the connection is away the answers would be too.
    if (nats.isClosed()) return;
    // Each question has a place of its own: the server lets one be answered once, also by who is so late that he answers two together.
    asked += 1;
    nats.publish('$SRV.STATS', '', { reply: `${inbox}.${asked}` });
  };
  ask();
  const timer = setInterval(ask, PING_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    answers.unsubscribe();
    drains.unsubscribe();
  };
}

/** The connection's own, which its permissions let it listen to; the library keeps it, and its type does not say so. */
function inboxPrefixOf(nats: NatsConnection & { readonly options?: { readonly inboxPrefix?: string } }): string | undefined {
  return nats.options?.inboxPrefix;
}
