import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { LlmServiceService } from '@smartlite/contracts';
import { memoryTrail, natsServer, settableGuard } from '@smartlite/testkit';
import { connect } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBus } from '../bus/bus.ts';
import { announce } from '../discovery/announce.ts';
import { createPeers } from '../peers/peers.ts';
import { listenGrpc } from '../server/server.ts';
import { implement } from '../service.ts';
import { systemClock, systemIds } from '../system.ts';
import { apartFromRequest, inCommandSpan, outgoingTraceparent } from './command.ts';
import { createMetrics } from './metrics.ts';
import { spanRecord } from './spanrecord.ts';

/** What is waited for comes at once on an idle machine; a busy one gets time. */
const PATIENCE = { timeout: 30_000 };

const exporter = new InMemorySpanExporter();
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
});
afterAll(() => provider.shutdown());

const silent = () => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };

describe('a request through gRPC and NATS (one-trace)', () => {
  it('is one connected trace: caller, client, server, and the event that the handler sends after its first answer', async () => {
    await using server = await natsServer();
    await using stack = new AsyncDisposableStack();
    const nats = await connect({ servers: server.url });
    stack.defer(() => nats.close());
    const bus = createBus({ nats, service: 'llm', instance: 'llm-1', clock: systemClock, ids: systemIds, mode: () => 'normal' });
    const heard = Promise.withResolvers<string>();
    nats.subscribe('smartlite.event.>', { callback: (_error, { headers }) => heard.resolve(headers?.get('traceparent') ?? '') });
    const callIds: string[] = [];
    const grpc = await listenGrpc(
      '127.0.0.1:0',
      [
        implement(LlmServiceService, {
          countTokens: { inSafeMode: 'serve', handle: async () => ({ promptTokens: 0, answerTokensMax: 0, promptTokensMax: 0 }) },
          generate: {
            inSafeMode: 'serve',
            async *handle(_request, { traceId }) {
              callIds.push(traceId);
              yield { kind: { $case: 'chunk' as const, value: { text: 'one', tokens: 1 } } };
              await nats.flush();
              bus.publishEvent('mode.changed', { from: 'normal', to: 'safe', epoch: 1, revision: 1, reasons: [] });
            },
          },
        }),
      ],
      {
        clock: systemClock,
        ids: systemIds,
        log,
        metrics: createMetrics('llm', { process: false }),
        trail: memoryTrail(),
        guard: settableGuard(),
      },
    );
    stack.defer(() => grpc.close());
    await announce(
      nats,
      'llm',
      { instance: 'llm-1', region: 'local', grpc: grpc.address, metrics: 'none:1', pid: '1', version: '0.1.0' },
      () => ({
        mode: 'normal',
        epochApplied: 1,
        inflight: 0,
        queued: 0,
        ready: true,
        models: [],
        breakers: [],
        addresses: {},
      }),
    );
    const peers = createPeers({ nats, clock: systemClock, ids: systemIds });
    stack.defer(() => peers.close());

    await trace.getTracer('test').startActiveSpan('request', async (root) => {
      for await (const _answer of peers.llm.generate(
        { messages: [], tier: '', maxTokens: 0, temperature: 0, seed: 0n, facts: undefined, saidFrom: 0 as const },
        {},
      ));
      root.end();
    });

    const [, traceId, parentId] = (await heard.promise).split('-');
    await expect.poll(() => exporter.getFinishedSpans().length, PATIENCE).toBe(3);
    const spans = exporter.getFinishedSpans().map((span) => spanRecord(span, 'llm', 'llm-1'));
    const chain = (spanId: string | null | undefined): string[] => {
      const span = spans.find((each) => each.spanId === spanId);
      return span ? [`${span.name} ${span.kind}`, ...chain(span.parentSpanId)] : [];
    };
    expect(chain(parentId)).toEqual(['smartlite.v1.LlmService/Generate 1', 'smartlite.v1.LlmService/Generate 2', 'request 0']);
    expect(new Set([traceId, ...callIds, ...spans.map((span) => span.traceId)]).size).toBe(1);
    expect(spans.every(({ startUnixNano, endUnixNano }) => BigInt(endUnixNano) >= BigInt(startUnixNano))).toBe(true);
  });
});

describe('a command on a stream that outlives its request (one-trace)', () => {
  it('is a child of the request that it belongs to, failed or not, whatever the stream was opened for', async () => {
    exporter.reset();
    const tracer = trace.getTracer('test');
    await tracer.startActiveSpan('request', async (request) => {
      const traceparent = outgoingTraceparent();
      expect(apartFromRequest(outgoingTraceparent)).toBe('');
      expect(await apartFromRequest(() => inCommandSpan('reserve', traceparent, async () => 'granted'))).toBe('granted');
      await expect(inCommandSpan('settle', traceparent, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
      request.end();
    });
    const spans = exporter.getFinishedSpans().map((span) => spanRecord(span, 'budget', 'budget-1'));
    const request = spans.find(({ name }) => name === 'request');
    const commands = spans.filter(({ name }) => name !== 'request');
    expect(commands).toMatchObject([
      { name: 'reserve', parentSpanId: request?.spanId, traceId: request?.traceId, status: 'unset' },
      { name: 'settle', parentSpanId: request?.spanId, traceId: request?.traceId, status: 'error' },
    ]);
  });
});
