import { credentials, type Metadata } from '@grpc/grpc-js';
import { LlmServiceClient, LlmServiceService } from '@smartlite/contracts';
import { describe, expect, it } from 'vitest';
import { implement } from '../service.ts';
import { systemClock, systemIds } from '../system.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { listenGrpc } from './server.ts';

const silent = () => {};
const NORMAL = {
  mode: 'normal',
  local: false,
  reasons: [],
  order: '1.1.1.1',
  epoch: 1,
  lockDigest: null,
  lockSequence: null,
  substitutions: {},
  refusedArtifacts: [],
} as const;

async function server() {
  const methods = implement(LlmServiceService, {
    countTokens: {
      inSafeMode: 'serve',
      async handle(_request, call) {
        call.trailer?.('x-smartlite-receipt', 'of one answer');
        return { promptTokens: 1, answerTokensMax: 1, promptTokensMax: 1 };
      },
    },
    generate: {
      inSafeMode: 'serve',
      async *handle(_request, call) {
        yield { kind: { $case: 'chunk', value: { text: 'a', tokens: 1 } } };
        call.trailer?.('x-smartlite-receipt', 'of a stream');
      },
    },
  });
  const grpc = await listenGrpc('127.0.0.1:0', [methods], {
    clock: systemClock,
    ids: systemIds,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    metrics: createMetrics('llm', { process: false }),
    trail: { record: () => '', attest: () => ({ id: '', receipt: '' }) },
    guard: { current: () => NORMAL, alarm: silent, onChange: () => silent },
  });
  const client = new LlmServiceClient(grpc.address, credentials.createInsecure());
  return { client, [Symbol.dispose]: () => (client.close(), grpc.close()) };
}

describe('what a handler sends along with the end of its answer', () => {
  it('arrives as trailing metadata of a single answer', async () => {
    using running = await server();
    const { promise, resolve } = Promise.withResolvers<Metadata>();
    running.client.countTokens({ messages: [], tier: '' }, silent).on('status', ({ metadata }) => resolve(metadata));
    expect((await promise).get('x-smartlite-receipt')).toEqual(['of one answer']);
  });

  it('arrives as trailing metadata of a stream', async () => {
    using running = await server();
    const { promise, resolve } = Promise.withResolvers<Metadata>();
    const request = { messages: [], tier: '', maxTokens: 1, temperature: 0, seed: 0n, facts: undefined, saidFrom: 0 as const };
    running.client
      .generate(request)
      .on('status', ({ metadata }) => resolve(metadata))
      .resume();
    expect((await promise).get('x-smartlite-receipt')).toEqual(['of a stream']);
  });
});
