import { LlmServiceService, MeshError } from '@smartlite/contracts';
import { natsServer } from '@smartlite/testkit';
import { connect } from 'nats';
import { describe, expect, it } from 'vitest';
import { announce } from '../discovery/announce.ts';
import type { LockState } from '../platform.ts';
import { listenGrpc } from '../server/server.ts';
import { implement, type Methods } from '../service.ts';
import { systemClock, systemIds } from '../system.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createPeers } from './peers.ts';

const NORMAL: LockState = {
  mode: 'normal',
  local: false,
  reasons: [],
  order: '1.1.1.1',
  epoch: 1,
  lockDigest: null,
  lockSequence: null,
  substitutions: {},
  refusedArtifacts: [],
};
const silent = () => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };
type LlmMethods = Methods<typeof LlmServiceService>;

/** A NATS server, one caller, and as many instances of the LLM service as the test adds. */
async function mesh() {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await natsServer());
  const nats = await connect({ servers: server.url });
  stack.defer(() => nats.close());
  const peers = createPeers({ nats, clock: systemClock, ids: systemIds });
  stack.defer(() => peers.close());
  return {
    peers,
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
    async add(instance: string, methods: Partial<LlmMethods>, { region = 'local', ready = true } = {}) {
      const grpc = await listenGrpc(
        '127.0.0.1:0',
        [implement(LlmServiceService, { countTokens: counting(0), generate: telling([]), ...methods })],
        {
          clock: systemClock,
          ids: systemIds,
          log,
          metrics: createMetrics('llm', { process: false }),
          trail: { record: () => '', attest: () => ({ id: '', receipt: '' }) },
          guard: { current: () => NORMAL, alarm: silent, onChange: () => silent },
        },
      );
      const own = await connect({ servers: server.url });
      await announce(
        own,
        'llm',
        { instance, region, grpc: grpc.address, metrics: '127.0.0.1:1', pid: '1', version: '0.1.0' },
        () => ({
          mode: 'normal',
          epochApplied: 1,
          inflight: grpc.inflight,
          queued: 0,
          ready,
          models: [],
          breakers: [],
          addresses: {},
        }),
      );
      /** Gone as by SIGKILL: connections break, nothing is said. */
      const kill = async () => {
        grpc.close();
        await own.close();
      };
      stack.defer(kill);
      return { kill, grpc };
    },
  };
}

const counting = (promptTokens: number): LlmMethods['countTokens'] => ({
  inSafeMode: 'refuse',
  handle: async () => ({ promptTokens, answerTokensMax: 0, promptTokensMax: 0 }),
});
const telling = (texts: readonly string[], failure?: MeshError): LlmMethods['generate'] => ({
  inSafeMode: 'refuse',
  async *handle() {
    for (const text of texts) yield { kind: { $case: 'chunk' as const, value: { text, tokens: 1 } } };
    if (failure) throw failure;
  },
});
const asking = { messages: [], tier: '' };
const generating = { messages: [], tier: '', maxTokens: 0, temperature: 0, seed: 0n, facts: undefined, saidFrom: 0 as const };
const failing = (failure: MeshError) => ({ inSafeMode: 'refuse' as const, handle: () => Promise.reject(failure) });
const avoid = (...instances: string[]) => ({ avoid: new Set(instances) });

describe('a call to a service that runs', () => {
  it('is answered by an instance found through NATS, which the caller learns', async () => {
    await using mesh_ = await mesh();
    await mesh_.add('llm-1', { countTokens: counting(7) });
    const chosen: string[] = [];
    expect(await mesh_.peers.llm.countTokens(asking, { onChosen: (instance) => chosen.push(instance) })).toMatchObject({
      promptTokens: 7,
    });
    expect(chosen).toEqual(['llm-1']);
    expect(mesh_.peers.instances('llm')).toMatchObject([{ instance: 'llm-1', service: 'llm', mode: 'normal' }]);
  });

  it('waits for the first instance to appear', async () => {
    await using mesh_ = await mesh();
    const answer = mesh_.peers.llm.countTokens(asking, {});
    await mesh_.add('llm-1', { countTokens: counting(7) });
    expect(await answer).toMatchObject({ promptTokens: 7 });
  });

  it('carries caller, request id and deadline', async () => {
    await using mesh_ = await mesh();
    const seen = Promise.withResolvers<unknown>();
    await mesh_.add('llm-1', {
      countTokens: {
        inSafeMode: 'refuse',
        handle: async (_request, { caller, deadlineUnixMs }) => (
          seen.resolve({ caller, hasDeadline: Number.isFinite(deadlineUnixMs) }),
          { promptTokens: 0, answerTokensMax: 0, promptTokensMax: 0 }
        ),
      },
    });
    const caller = { user: 'Zoë', tenant: 'acme', regions: ['local'], operator: true };
    await mesh_.peers.llm.countTokens(asking, { caller, timeoutMs: 60_000 });
    expect(await seen.promise).toEqual({ caller, hasDeadline: true });
  });

  it('streams answers as they come', async () => {
    await using mesh_ = await mesh();
    const more = Promise.withResolvers<void>();
    await mesh_.add('llm-1', {
      generate: {
        inSafeMode: 'refuse',
        async *handle() {
          yield { kind: { $case: 'chunk' as const, value: { text: 'one', tokens: 1 } } };
          await more.promise;
          yield { kind: { $case: 'chunk' as const, value: { text: 'two', tokens: 1 } } };
        },
      },
    });
    const texts: unknown[] = [];
    for await (const { kind } of mesh_.peers.llm.generate(generating, {})) {
      texts.push(kind?.$case === 'chunk' && kind.value.text);
      more.resolve();
    }
    expect(texts).toEqual(['one', 'two']);
  });
});

describe('a call to an instance that cannot serve', () => {
  it.each(['unavailable', 'starting', 'overloaded'] as const)('is answered by another: %s', async (code) => {
    await using mesh_ = await mesh();
    await mesh_.add('llm-1', {
      countTokens: failing(new MeshError(code, 'not here')),
      generate: telling([], new MeshError(code, 'not here')),
    });
    await mesh_.add('llm-2', { countTokens: counting(2), generate: telling(['two']) });
    await expect.poll(() => mesh_.peers.instances('llm').length, { timeout: 30_000 }).toBe(2);
    for (let call = 0; call < 6; call += 1)
      expect(await mesh_.peers.llm.countTokens(asking, {})).toMatchObject({ promptTokens: 2 });
    const answers: unknown[] = [];
    for await (const answer of mesh_.peers.llm.generate(generating, {})) answers.push(answer);
    expect(answers).toHaveLength(1);
  });

  it("is not repeated elsewhere for a failure that is the caller's own", async () => {
    await using mesh_ = await mesh();
    await mesh_.add('llm-1', { countTokens: failing(new MeshError('invalid-argument', 'no such tier')) });
    await mesh_.add('llm-2', { countTokens: failing(new MeshError('invalid-argument', 'no such tier')) });
    const chosen: string[] = [];
    await expect(mesh_.peers.llm.countTokens(asking, { onChosen: (instance) => chosen.push(instance) })).rejects.toMatchObject({
      code: 'invalid-argument',
      message: 'no such tier',
    });
    expect(chosen).toHaveLength(1);
  });

  it('is not repeated after the first answer: what was said cannot be said again', async () => {
    await using mesh_ = await mesh();
    await mesh_.add('llm-1', { generate: telling(['one'], new MeshError('unavailable', 'crashed')) });
    await mesh_.add('llm-2', { generate: telling(['one'], new MeshError('unavailable', 'crashed')) });
    const texts: unknown[] = [];
    const reading = async () => {
      for await (const { kind } of mesh_.peers.llm.generate(generating, {})) texts.push(kind);
    };
    await expect(reading()).rejects.toMatchObject({ code: 'unavailable' });
    expect(texts).toHaveLength(1);
  });

  it('ends with a clear failure when none can', async () => {
    await using mesh_ = await mesh();
    await mesh_.add('llm-1', { countTokens: failing(new MeshError('starting', 'no status yet', { retryAfterMs: 500 })) });
    await expect(mesh_.peers.llm.countTokens(asking, {})).rejects.toMatchObject({ code: 'starting', retryAfterMs: 500 });
  });
});

describe('instances in several regions', () => {
  it('get only data that may be seen there', async () => {
    await using mesh_ = await mesh();
    await mesh_.add('llm-1', { countTokens: counting(1) }, { region: 'eu' });
    await mesh_.add('llm-2', { countTokens: counting(2) }, { region: 'us' });
    await expect.poll(() => mesh_.peers.instances('llm').length, { timeout: 30_000 }).toBe(2);
    const caller = { user: 'u', tenant: 't', operator: false };
    for (let call = 0; call < 6; call += 1)
      expect(await mesh_.peers.llm.countTokens(asking, { caller: { ...caller, regions: ['eu'] } })).toMatchObject({
        promptTokens: 1,
      });
    await expect(mesh_.peers.llm.countTokens(asking, { caller: { ...caller, regions: ['mars'] } })).rejects.toMatchObject({
      code: 'no-compliant-region',
    });
  });
});

describe('an instance that dies without a word', () => {
  it('leaves the directory, and no call sees it', async () => {
    await using mesh_ = await mesh();
    const first = await mesh_.add('llm-1', { countTokens: counting(1) });
    await mesh_.add('llm-2', { countTokens: counting(2) });
    await expect.poll(() => mesh_.peers.instances('llm').length, { timeout: 30_000 }).toBe(2);
    await mesh_.peers.llm.countTokens(asking, avoid('llm-2'));
    await first.kill();
    for (let call = 0; call < 6; call += 1)
      expect(await mesh_.peers.llm.countTokens(asking, {})).toMatchObject({ promptTokens: 2 });
    await expect.poll(() => mesh_.peers.instances('llm').map(({ instance }) => instance), { timeout: 20_000 }).toEqual(['llm-2']);
  });
});

describe('a caller that leaves', () => {
  it('ends the handler at the other side', async () => {
    await using mesh_ = await mesh();
    const ended = Promise.withResolvers<unknown>();
    await mesh_.add('llm-1', {
      generate: {
        inSafeMode: 'refuse',
        async *handle(_request, { signal }) {
          signal.addEventListener('abort', () => ended.resolve(signal.reason));
          while (!signal.aborted) {
            yield { kind: { $case: 'chunk' as const, value: { text: 'la', tokens: 1 } } };
            await new Promise((resolve) => setImmediate(resolve));
          }
        },
      },
    });
    for await (const _answer of mesh_.peers.llm.generate(generating, {})) break;
    expect(await ended.promise).toMatchObject({ code: 'cancelled' });
  });

  it("by its own signal gets that signal's reason", async () => {
    await using mesh_ = await mesh();
    await mesh_.add('llm-1', { countTokens: { inSafeMode: 'refuse', handle: () => new Promise(() => {}) } });
    const leaving = new AbortController();
    const answer = mesh_.peers.llm.countTokens(asking, {
      signal: leaving.signal,
      onChosen: () => setImmediate(() => leaving.abort(new MeshError('over-budget', 'enough'))),
    });
    await expect(answer).rejects.toMatchObject({ code: 'over-budget' });
  });

  it('by its deadline gets deadline-exceeded', async () => {
    await using mesh_ = await mesh();
    await mesh_.add('llm-1', { countTokens: { inSafeMode: 'refuse', handle: () => new Promise(() => {}) } });
    await expect.poll(() => mesh_.peers.instances('llm').length, { timeout: 30_000 }).toBe(1);
    await expect(mesh_.peers.llm.countTokens(asking, { timeoutMs: 300 })).rejects.toMatchObject({ code: 'deadline-exceeded' });
  });
});

describe('a server that stops', () => {
  it('lets calls in flight finish', async () => {
    await using mesh_ = await mesh();
    const finish = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const { grpc } = await mesh_.add('llm-1', {
      countTokens: {
        inSafeMode: 'refuse',
        handle: async () => (begun.resolve(), await finish.promise, { promptTokens: 5, answerTokensMax: 0, promptTokensMax: 0 }),
      },
    });
    const answer = mesh_.peers.llm.countTokens(asking, {});
    await begun.promise;
    const drained = grpc.drain(new AbortController().signal);
    finish.resolve();
    expect(await answer).toMatchObject({ promptTokens: 5 });
    await drained;
  });

  it('ends those that take too long as unavailable', async () => {
    await using mesh_ = await mesh();
    const begun = Promise.withResolvers<void>();
    const { grpc } = await mesh_.add('llm-1', {
      countTokens: { inSafeMode: 'refuse', handle: () => (begun.resolve(), new Promise(() => {})) },
    });
    const answer = mesh_.peers.llm.countTokens(asking, {});
    await begun.promise;
    await Promise.all([grpc.drain(AbortSignal.abort()), expect(answer).rejects.toMatchObject({ code: 'unavailable' })]);
  });
});
