import { type SecurityAlert, SUBJECTS } from '@smartlite/contracts';
import type { RoleTrust } from '@smartlite/trust';
import type { NatsConnection } from 'nats';
import { openMessage } from './notices.ts';

/** A security alert, proven. */
export interface MeshAlert extends SecurityAlert {
  readonly id: string;
  readonly source: string;
}

/** Alerts from now on; what is not signed by the fleet is passed over. They are not kept: `mode.changed` events are. */
export async function* followAlerts(nats: NatsConnection, trust: RoleTrust, signal?: AbortSignal): AsyncGenerator<MeshAlert> {
  const messages = nats.subscribe(SUBJECTS.securityAlert);
  const end = () => messages.unsubscribe();
  signal?.addEventListener('abort', end, { once: true });
  try {
    for await (const message of messages) {
      const alert = opened(() => openMessage(message, trust));
      if (alert !== undefined) yield { ...(alert.data as SecurityAlert), id: alert.id, source: alert.source };
    }
  } finally {
    signal?.removeEventListener('abort', end);
    end();
  }
}

function opened<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch {
    return undefined;
  }
}
