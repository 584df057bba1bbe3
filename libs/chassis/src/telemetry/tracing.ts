import { ExportResultCode } from '@opentelemetry/core';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import type { SpanRecord } from '@smartlite/contracts';
import { spanRecord } from './spanrecord.ts';

/** Soon enough that a trace can be looked at right after its request. */
const EXPORT_DELAY_MS = 400;
/** Keeps a batch's message well below the bus' limit of 1 MB. */
const BATCH_SPANS_MAX = 256;
/** Spans that wait for export; beyond it the newest are dropped, never a call. */
const WAITING_SPANS_MAX = 4_096;

export interface TracingOptions {
  readonly service: string;
  readonly instance: string;
  readonly region: string;
  /** Takes batches for the local trace store. May throw: then the batch is lost. */
  readonly store: (batch: readonly SpanRecord[]) => void;
  readonly otlpEndpoint: string | undefined;
}

export interface Tracing {
  stop(): Promise<void>;
}

/**
 * Starts OpenTelemetry for this process: W3C trace context, context that follows async calls, sampling as the parent says.
 * The SDK is loaded here and nowhere else: it brings every exporter there is, which costs 0.4 s that tests and tools need not pay.
 */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const { NodeSDK } = await import('@opentelemetry/sdk-node');
  const spanProcessors = [batched(storeExporter(options))];
  if (options.otlpEndpoint !== undefined) spanProcessors.push(batched(await otlpExporter(options.otlpEndpoint)));
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({
      'service.name': `smartlite-${options.service}`,
      'service.instance.id': options.instance,
      'cloud.region': options.region,
    }),
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    spanProcessors,
    // Spans are made by this library's own interceptors, metrics by prom-client, logs by pino.
    instrumentations: [],
    metricReaders: [],
    logRecordProcessors: [],
    autoDetectResources: false,
  });
  sdk.start();
  return { stop: () => sdk.shutdown() };
}

function batched(exporter: SpanExporter): SpanProcessor {
  return new BatchSpanProcessor({
    exporter,
    scheduledDelayMillis: EXPORT_DELAY_MS,
    maxExportBatchSize: BATCH_SPANS_MAX,
    maxQueueSize: WAITING_SPANS_MAX,
  });
}

function storeExporter({ service, instance, store }: TracingOptions): SpanExporter {
  return {
    export(spans: ReadableSpan[], done) {
      try {
        store(spans.map((span) => spanRecord(span, service, instance)));
        done({ code: ExportResultCode.SUCCESS });
      } catch (caught) {
        done({
          code: ExportResultCode.FAILED,
          error: caught instanceof Error ? caught : new Error('trace store', { cause: caught }),
        });
      }
    },
    shutdown: async () => {},
  };
}

// Loaded only when asked for.
async function otlpExporter(endpoint: string): Promise<SpanExporter> {
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto');
  return new OTLPTraceExporter({ url: new URL('v1/traces', endpoint.endsWith('/') ? endpoint : `${endpoint}/`).href });
}
