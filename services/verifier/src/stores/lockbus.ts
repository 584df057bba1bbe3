import { readFile } from 'node:fs/promises';
import type { Log } from '@smartlite/chassis';
import { SUBJECTS } from '@smartlite/contracts';
import '@smartlite/contracts/nats-socket';
import { connect, type NatsConnection } from 'nats';
import { z } from 'zod';
import type { LockBus } from '../engine.ts';

/** A lost connection is tried again for ever, this often: the leader's word must come back before its lease ends. */
const RECONNECT_MS = 100;

const credentialsSchema = z.strictObject({ user: z.string().min(1), password: z.string().min(1) });

export interface LockBusAddress {
  readonly natsUrl: string;
  readonly natsCredentials: string | undefined;
  readonly name: string;
}

/** Connects for lock status alone, so that no audio, audit or full buffer delays it. */
export async function lockBus({ natsUrl, natsCredentials, name }: LockBusAddress, log: Log): Promise<LockBus> {
  const login =
    natsCredentials === undefined ? undefined : credentialsSchema.parse(JSON.parse(await readFile(natsCredentials, 'utf8')));
  const nats = await connect({
    servers: natsUrl.split(',').map((url) => url.trim()),
    name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_MS,
    ...(login && { user: login.user, pass: login.password, inboxPrefix: SUBJECTS.inbox(login.user) }),
  });
  return {
    broadcast: (status) => send(nats, status, log),
    listen(on) {
      subscribe(nats, SUBJECTS.lockNonce, (data, respond) => {
        const answer = on.nonce(data);
        if (answer !== null) respond(answer);
      });
      subscribe(nats, SUBJECTS.lockAcks, on.ack);
      subscribe(nats, SUBJECTS.lockAlarm, on.alarm);
      subscribe(nats, SUBJECTS.lockStatus, on.status);
    },
    close: () => nats.drain(),
  };
}

/** Core NATS: who listens gets it at once, and the stream of lock statuses retains it. Nothing is queued on a dead connection. */
function send(nats: NatsConnection, status: Uint8Array, log: Log): void {
  try {
    nats.publish(SUBJECTS.lockStatus, status);
  } catch (caught) {
    log.warn('a lock status could not be sent', { because: String(caught) });
  }
}

function subscribe(
  nats: NatsConnection,
  subject: string,
  take: (data: Uint8Array, respond: (answer: Uint8Array) => void) => void,
): void {
  nats.subscribe(subject, {
    callback(failure, message) {
      if (failure === null) take(message.data, (answer) => message.respond(answer));
    },
  });
}
