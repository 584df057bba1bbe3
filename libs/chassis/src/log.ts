import { isSpanContextValid, trace } from '@opentelemetry/api';
import { MeshError } from '@smartlite/contracts';
import { destination, pino } from 'pino';
import type { Log } from './platform.ts';

export interface LogFacts {
  readonly service: string;
  readonly instance: string;
  readonly level: string;
  /** File descriptor that lines are written to; standard output unless told. */
  readonly fd?: number;
}

/** One JSON object a line. Each line carries the trace and span that it was written in. */
export function createLog({ service, instance, level, fd = 1 }: LogFacts): Log {
  const lines = pino(
    {
      level,
      base: { service, instance },
      messageKey: 'text',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      mixin: traceFields,
    },
    // Synchronous, so that the last line before a crash is there.
    destination({ fd, sync: true }),
  );
  return {
    debug: (text, attributes = {}) => lines.debug(plain(attributes), text),
    info: (text, attributes = {}) => lines.info(plain(attributes), text),
    warn: (text, attributes = {}) => lines.warn(plain(attributes), text),
    error: (text, attributes = {}) => lines.error(plain(attributes), text),
  };
}

function traceFields(): Record<string, string> {
  const span = trace.getActiveSpan()?.spanContext();
  return span && isSpanContextValid(span) ? { trace_id: span.traceId, span_id: span.spanId } : {};
}

/** Errors become plain objects with their causes; everything else stays. */
function plain(attributes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, value instanceof Error ? errorFields(value) : value]),
  );
}

/** Causes beyond this depth are left out: an error may be its own cause. */
const CAUSES_MAX = 4;

function errorFields(error: Error, depth = 0): Record<string, unknown> {
  const fields: Record<string, unknown> = { name: error.name, message: error.message, stack: error.stack };
  if (error instanceof MeshError) fields['code'] = error.code;
  if (error.cause instanceof Error && depth < CAUSES_MAX) fields['cause'] = errorFields(error.cause, depth + 1);
  return fields;
}
