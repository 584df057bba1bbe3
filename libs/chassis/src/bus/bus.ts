import { context, propagation } from '@opentelemetry/api';
import {
  type Events,
  type EventType,
  type Mode,
  type SecurityAlert,
  type ServiceName,
  NOTICE_HEADER,
  SUBJECTS,
} from '@smartlite/contracts';
import type { Notice } from '@smartlite/trust';
import { headers, type JetStreamClient, type JetStreamManager, type NatsConnection } from 'nats';
import type { Clock, Ids } from '../clock.ts';
import type { Bus } from '../platform.ts';
import { headersSetter } from '../telemetry/carriers.ts';

export interface BusParts {
  readonly nats: NatsConnection;
  readonly service: ServiceName;
  readonly instance: string;
  readonly clock: Clock;
  readonly ids: Ids;
  /** The mode that an alert reports. */
  readonly mode: () => Mode;
  /** Signs what is published; subscribers believe nothing else. Left out by tests alone. */
  readonly sign?: (notice: Notice, body: Uint8Array) => string;
}

/** The bus of one service: typed events as CloudEvents, alerts, and NATS itself for stores. */
export function createBus(parts: BusParts): Bus {
  const { nats, clock, mode } = parts;
  const jetstream: JetStreamClient = nats.jetstream();
  let manager: Promise<JetStreamManager> | undefined;
  return {
    nats,
    jetstream,
    manager() {
      manager ??= nats.jetstreamManager().catch((caught: unknown) => {
        manager = undefined;
        throw caught;
      });
      return manager;
    },
    publishEvent: (type, data) => publishEvent(parts, type, data),
    alert(severity, title, reasons) {
      const alert: SecurityAlert = { atUnixMs: clock.nowMs(), severity, title, reasons, mode: mode() };
      publish(parts, SUBJECTS.securityAlert, 'alert.security', alert);
    },
  };
}

function publishEvent<T extends EventType>(parts: BusParts, type: T, data: Events[T]): void {
  publish(parts, SUBJECTS.event(type), type, data);
}

/** CloudEvents 1.0, NATS binding, binary mode: attributes in `ce-` headers, the data alone in the body, the signed notice beside them. */
function publish({ nats, service, instance, clock, ids, sign }: BusParts, subject: string, type: string, data: unknown): void {
  const body = encode(data);
  const id = ids.uuid();
  const source = `/smartlite/${service}/${instance}`;
  const time = new Date(clock.nowMs()).toISOString();
  const attributes = {
    'ce-specversion': '1.0',
    'ce-id': id,
    'ce-source': source,
    'ce-type': `smartlite.${type}`,
    'ce-time': time,
    'content-type': 'application/json',
    // The stream drops a second copy.
    'Nats-Msg-Id': id,
    ...(sign && { [NOTICE_HEADER]: sign({ subject, id, source, time }, body) }),
  };
  const carried = tracedHeaders();
  for (const [name, value] of Object.entries(attributes)) carried.set(name, value);
  nats.publish(subject, body, { headers: carried });
}

function tracedHeaders() {
  const carried = headers();
  propagation.inject(context.active(), carried, headersSetter);
  return carried;
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
