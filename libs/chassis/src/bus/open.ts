import { SUBJECTS } from '@smartlite/contracts';
import type { NatsConnection } from 'nats';
import type { Start } from '../instance.ts';
import { startTracing } from '../telemetry/tracing.ts';
import { connectNats } from './connect.ts';
import { ensureStreams, keepStreams } from './streams.ts';

/** Where finished spans go; nowhere until the bus is there. */
export interface OpenTelemetry {
  nats: NatsConnection | undefined;
}

export interface OpenBus {
  readonly nats: NatsConnection;
  /** The lock status has a connection of its own: audio and audit entries that queue up must not delay it. */
  readonly lockNats: NatsConnection;
}

/** Starts tracing. It is flushed when all else is closed, but for the bus that takes its last spans. */
export async function openTelemetry({ id, service, base, stack }: Start): Promise<OpenTelemetry> {
  const open: OpenTelemetry = { nats: undefined };
  const tracing = await startTracing({
    service: service.name,
    instance: id,
    region: base.region,
    otlpEndpoint: base.otelExporterOtlpEndpoint,
    store: (batch) => open.nats?.publish(SUBJECTS.trace(service.name), JSON.stringify(batch)),
  });
  stack.add(() => tracing.stop());
  return open;
}

/** Connects twice and makes the streams that all services rely on. */
export async function openBus({ id, base, log, stack }: Start, telemetry: OpenTelemetry): Promise<OpenBus> {
  const [nats, lockNats] = await Promise.all([
    connectNats({ ...base, name: id }, log),
    connectNats({ ...base, name: `${id}-lock` }, log),
  ]);
  telemetry.nats = nats;
  stack.addFirst(() => Promise.all([nats.drain(), lockNats.close()]));
  await ensureStreams(await nats.jetstreamManager(), base.natsReplicas);
  void keepStreams(nats, base.natsReplicas, log);
  return { nats, lockNats };
}
