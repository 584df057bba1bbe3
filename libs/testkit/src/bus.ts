import type { Bus } from '@smartlite/chassis';
import type { Events, EventType } from '@smartlite/contracts';
import type { NatsConnection } from 'nats';

export type PublishedEvent = { readonly [T in EventType]: { readonly type: T; readonly data: Events[T] } }[EventType];

export interface MemoryBus extends Bus {
  readonly events: readonly PublishedEvent[];
  readonly alerts: readonly { readonly severity: string; readonly title: string; readonly reasons: readonly string[] }[];
}

/** Keeps events and alerts for the test. NATS itself is there only if the test brings a connection. */
export function memoryBus(nats?: NatsConnection): MemoryBus {
  const events: PublishedEvent[] = [];
  const alerts: { severity: string; title: string; reasons: readonly string[] }[] = [];
  const connection = () => {
    if (!nats) throw new Error('this service wants NATS itself: give the harness a connection to a natsServer()');
    return nats;
  };
  return {
    events,
    alerts,
    get nats() {
      return connection();
    },
    get jetstream() {
      return connection().jetstream();
    },
    manager: async () => connection().jetstreamManager(),
    publishEvent: (type, data) => void events.push({ type, data } as PublishedEvent),
    alert: (severity, title, reasons) => void alerts.push({ severity, title, reasons }),
  };
}
