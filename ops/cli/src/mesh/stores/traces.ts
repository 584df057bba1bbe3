import { type SpanRecord, STREAMS } from '@smartlite/contracts';
import type { NatsConnection } from 'nats';
import { z } from 'zod';

/** Messages taken at once from the store. */
const BATCH = 256;
/** A memory stream gives what it has at once; waiting longer finds nothing more. */
const FETCH_MS = 2_000;

const spanSchema = z.looseObject({ traceId: z.string(), spanId: z.string() });

/** All spans of one trace that the local store still holds, in order of their start. */
export async function readTrace(bus: NatsConnection, traceId: string): Promise<SpanRecord[]> {
  const spans: SpanRecord[] = [];
  for await (const batch of readBatches(bus)) spans.push(...batch.filter((span) => span.traceId === traceId));
  return spans.sort((a, b) => Number(BigInt(a.startUnixNano) - BigInt(b.startUnixNano)));
}

/** Ids of the newest traces, the newest last. */
export async function recentTraces(bus: NatsConnection, count: number): Promise<string[]> {
  const ids = new Set<string>();
  for await (const batch of readBatches(bus)) for (const { traceId } of batch) ids.add(traceId);
  return [...ids].slice(-count);
}

async function* readBatches(bus: NatsConnection): AsyncGenerator<readonly SpanRecord[]> {
  const jetstream = bus.jetstream();
  const manager = await bus.jetstreamManager();
  const info = await manager.streams.info(STREAMS.traces).catch(() => undefined);
  let left = info?.state.messages ?? 0;
  if (left === 0) return;
  const consumer = await jetstream.consumers.get(STREAMS.traces);
  while (left > 0) {
    const messages = await consumer.fetch({ max_messages: Math.min(BATCH, left), expires: FETCH_MS });
    let got = 0;
    for await (const message of messages) {
      got += 1;
      yield parseSpans(message.data);
    }
    if (got === 0) return;
    left -= got;
  }
}

function parseSpans(bytes: Uint8Array): readonly SpanRecord[] {
  const parsed = z.array(spanSchema).safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  return parsed.success ? (parsed.data as unknown as SpanRecord[]) : [];
}
