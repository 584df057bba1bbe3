import { isSpanContextValid, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { MeshError } from '@smartlite/contracts';
import { inContext } from '../telemetry/incontext.ts';
import type { Layer } from './handle.ts';
import type { LayerParts } from './layers.ts';

/** From a unary answer out of memory to a long voice turn. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** A SERVER span and a measurement for each call, whatever becomes of it (OpenTelemetry's RPC conventions). */
export function tracing({ clock, ids, metrics }: Pick<LayerParts, 'clock' | 'ids' | 'metrics'>): Layer {
  const tracer = trace.getTracer('smartlite');
  const seconds = metrics.histogram('rpc_server_seconds', 'Time from a call to its last answer.', ['method', 'code'], SECONDS);
  return (next) =>
    async function* traced(incoming) {
      const startedMs = clock.monotonicMs();
      const attributes = {
        'rpc.system.name': 'grpc',
        'rpc.method': incoming.method.name,
        'smartlite.request_id': incoming.call.requestId,
        'smartlite.allowed_regions': [...incoming.call.caller.regions],
      };
      const span = tracer.startSpan(incoming.method.name, { kind: SpanKind.SERVER, attributes }, incoming.parent);
      const { traceId } = span.spanContext();
      const call = {
        ...incoming.call,
        traceId: isSpanContextValid(span.spanContext()) ? traceId : ids.uuid().replaceAll('-', ''),
      };
      let code = 'CANCELLED';
      try {
        yield* inContext(trace.setSpan(incoming.parent, span), () => next({ ...incoming, call }));
        code = 'OK';
      } catch (caught) {
        const error = MeshError.from(caught);
        code = error.grpcStatus;
        span.setStatus({ code: SpanStatusCode.ERROR, message: error.reason });
        span.setAttribute('error.type', error.reason);
        throw error;
      } finally {
        span.setAttribute('rpc.response.status_code', code);
        span.end();
        seconds.observe({ method: incoming.method.name, code }, (clock.monotonicMs() - startedMs) / 1_000);
      }
    };
}
