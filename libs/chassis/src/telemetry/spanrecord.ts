import type { HrTime, SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { SpanRecord } from '@smartlite/contracts';

const NANOS_PER_SECOND = 1_000_000_000n;
const STATUS: Readonly<Record<SpanStatusCode, SpanRecord['status']>> = { 0: 'unset', 1: 'ok', 2: 'error' };

/** A finished span as the local trace store keeps it. Nanoseconds are text: they exceed 2^53. */
export function spanRecord(span: ReadableSpan, service: string, instance: string): SpanRecord {
  const { traceId, spanId } = span.spanContext();
  return {
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId ?? null,
    name: span.name,
    kind: span.kind,
    service,
    instance,
    startUnixNano: unixNano(span.startTime),
    endUnixNano: unixNano(span.endTime),
    status: STATUS[span.status.code],
    attributes: span.attributes as SpanRecord['attributes'],
    events: span.events.map((event) => ({ name: event.name, unixNano: unixNano(event.time) })),
  };
}

function unixNano([seconds, nanos]: HrTime): string {
  return (BigInt(seconds) * NANOS_PER_SECOND + BigInt(nanos)).toString();
}
