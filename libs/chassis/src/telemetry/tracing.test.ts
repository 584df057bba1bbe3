import { context, propagation, trace } from '@opentelemetry/api';
import type { SpanRecord } from '@smartlite/contracts';
import { expect, it } from 'vitest';
import { startTracing } from './tracing.ts';

it('a process whose tracing has started keeps its spans, across awaits, and hands out and takes W3C trace context', async () => {
  const kept: SpanRecord[] = [];
  const tracing = await startTracing({
    service: 'llm',
    instance: 'llm-1',
    region: 'local',
    store: (batch) => kept.push(...batch),
    otlpEndpoint: undefined,
  });
  const tracer = trace.getTracer('test');
  const carrier: Record<string, string> = {};
  await tracer.startActiveSpan('outer', async (outer) => {
    await Promise.resolve();
    propagation.inject(context.active(), carrier);
    tracer.startSpan('inner').end();
    outer.end();
  });
  tracer.startSpan('elsewhere', {}, propagation.extract(context.active(), carrier)).end();
  await tracing.stop();
  const [inner, outer, elsewhere] = ['inner', 'outer', 'elsewhere'].map((name) => kept.find((span) => span.name === name));
  expect(kept).toHaveLength(3);
  expect([inner?.parentSpanId, elsewhere?.parentSpanId]).toEqual([outer?.spanId, outer?.spanId]);
  expect(carrier['traceparent']).toBe(`00-${outer?.traceId}-${outer?.spanId}-01`);
});
