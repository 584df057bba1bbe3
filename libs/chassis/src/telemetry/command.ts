import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { MeshError } from '@smartlite/contracts';

/** W3C `traceparent` of the span that is active now, for a command that travels on a long-lived stream; empty when there is none. */
export function outgoingTraceparent(): string {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent ?? '';
}

/** Runs one command of a long-lived stream in a SERVER span of its own, as a child of the request that it belongs to. */
export function inCommandSpan<T>(name: string, traceparent: string, work: () => Promise<T>): Promise<T> {
  const parent = propagation.extract(context.active(), { traceparent });
  const attributes = { 'rpc.system.name': 'grpc', 'rpc.method': name };
  const span = trace.getTracer('smartlite').startSpan(name, { kind: SpanKind.SERVER, attributes }, parent);
  return context.with(trace.setSpan(parent, span), async () => {
    try {
      return await work();
    } catch (caught) {
      const { reason } = MeshError.from(caught);
      span.setStatus({ code: SpanStatusCode.ERROR, message: reason }).setAttribute('error.type', reason);
      throw caught;
    } finally {
      span.end();
    }
  });
}

/** Runs what outlives the request that happens to start it, for example a long-lived stream, apart from that request's trace. */
export function apartFromRequest<T>(work: () => T): T {
  return context.with(ROOT_CONTEXT, work);
}
