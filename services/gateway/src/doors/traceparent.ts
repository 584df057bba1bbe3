import { isSpanContextValid, trace } from '@opentelemetry/api';
import type { Call, Platform } from '@smartlite/chassis';

// W3C Trace Context, level 1.

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}$/;
const SPAN_ID_BYTES = 8;
const TRACE_ID_BYTES = 16;

/** The caller's trace where it sent one, else the beginning of a new one: even what is refused at the door can be named. */
export function traceparentOf(header: unknown, { ids }: Pick<Platform, 'ids'>): string {
  if (typeof header === 'string' && TRACEPARENT.test(header)) return header;
  const hex = (bytes: number) => Buffer.from(ids.bytes(bytes)).toString('hex');
  return `00-${hex(TRACE_ID_BYTES)}-${hex(SPAN_ID_BYTES)}-01`;
}

/** The span that serves a call, for the caller to find it by. */
export function servingTraceparent({ traceId }: Call, parent: string): string {
  const span = trace.getActiveSpan()?.spanContext();
  if (span && isSpanContextValid(span)) return `00-${span.traceId}-${span.spanId}-0${span.traceFlags & 1}`;
  // Without a tracer the call has an id of its own, and no span.
  return `00-${traceId}-${TRACEPARENT.exec(parent)?.[1] ?? traceId.slice(TRACE_ID_BYTES)}-00`;
}
