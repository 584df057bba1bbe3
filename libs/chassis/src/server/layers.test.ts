import { ROOT_CONTEXT } from '@opentelemetry/api';
import { LlmServiceService, MeshError } from '@smartlite/contracts';
import { describe, expect, it } from 'vitest';
import type { LockState } from '../platform.ts';
import { implement, type Methods } from '../service.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { NOBODY } from '../wire/metadata.ts';
import { standardLayers } from './layers.ts';
import { openCall } from './opencall.ts';
import { type Route, routes } from './router.ts';

const NORMAL: LockState = {
  mode: 'normal',
  local: false,
  reasons: [],
  order: '1.1.1.1',
  epoch: 1,
  lockDigest: 'sha256:00',
  lockSequence: 1,
  substitutions: {},
  refusedArtifacts: [],
};
const SAFE: LockState = { ...NORMAL, mode: 'safe', reasons: ['DIGEST_MISMATCH'] };
const LEASE_LOST: LockState = { ...SAFE, local: true };

/** One process' layers, with a clock and a mode that the test turns. */
function mesh(methods: Partial<Methods<typeof LlmServiceService>>, { inflightMax = 8 } = {}) {
  let state = NORMAL;
  let nowMs = 1_000;
  const listeners = new Set<(next: LockState) => void>();
  const recorded: string[] = [];
  let unaudited: MeshError | undefined;
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const ids = { uuid: () => '00000000-0000-4000-8000-000000000000', bytes: (count: number) => new Uint8Array(count) };
  const silent = () => {};
  const layers = standardLayers({
    clock,
    ids,
    inflightMax,
    metrics: createMetrics('llm', { process: false }),
    log: { debug: silent, info: silent, warn: silent, error: silent },
    trail: { record: (kind) => String(recorded.push(kind)), attest: () => ({ id: '', receipt: '' }), refusal: () => unaudited },
    guard: {
      current: () => state,
      alarm: silent,
      onChange: (listener) => (listeners.add(listener), () => listeners.delete(listener)),
    },
  });
  const all = routes(
    implement(LlmServiceService, { generate: refuseAll, countTokens: refuseAll, ...methods } as Methods<
      typeof LlmServiceService
    >),
    layers,
  );
  return {
    recorded,
    /** The trail has waited too long for its receipts. */
    loseTrail: () => (unaudited = new MeshError('audit-unavailable', 'no receipt')),
    advance: (ms: number) => (nowMs += ms),
    /** Changes the mode as a status does: listeners are told. */
    turn: (next: LockState) => {
      state = next;
      for (const listener of listeners) listener(next);
    },
    /** Changes the mode as a lease that runs out does: nobody is told before the next look. */
    expire: (next: LockState) => (state = next),
    call: (
      key: keyof typeof LlmServiceService,
      request: unknown = {},
      { deadlineMs = Number.POSITIVE_INFINITY, caller = NOBODY, idempotencyKey = undefined as string | undefined } = {},
    ) => {
      const route = all.get(key) as Route;
      const incoming = openCall(
        {
          method: route.facts,
          request,
          passport: { caller, requestId: '', idempotencyKey },
          deadlineUnixMs: nowMs + deadlineMs,
          parent: ROOT_CONTEXT,
        },
        { clock, ids },
      );
      return { answers: route.handle(incoming)[Symbol.asyncIterator](), end: incoming.end };
    },
  };
}

const refuseAll = { inSafeMode: 'refuse', handle: () => Promise.reject(new Error('not expected')) } as never;
const chunk = (text: string) => ({ kind: { $case: 'chunk' as const, value: { text, tokens: 1 } } });
const counted = { promptTokens: 3, answerTokensMax: 1, promptTokensMax: 1 };
const counting = (handle = async () => counted) => ({ countTokens: { inSafeMode: 'refuse' as const, handle } });
const endless = (inSafeMode: 'refuse' | 'diagnose' | 'serve') => ({
  generate: {
    inSafeMode,
    async *handle() {
      while (true) yield chunk('la');
    },
  },
});

describe('a call in normal mode', () => {
  it('reaches its handler with the order of the status that permits it', async () => {
    const orders: string[] = [];
    const { call } = mesh({
      countTokens: { inSafeMode: 'refuse', handle: async (_request, { statusOrder }) => (orders.push(statusOrder), counted) },
    });
    expect((await call('countTokens').answers.next()).value).toEqual(counted);
    expect(orders).toEqual(['1.1.1.1']);
  });

  it('always has a trace id', async () => {
    const traces: string[] = [];
    const { call } = mesh({
      countTokens: { inSafeMode: 'refuse', handle: async (_request, { traceId }) => (traces.push(traceId), counted) },
    });
    await call('countTokens').answers.next();
    expect(traces[0]).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('a call in safe mode', () => {
  it('is refused before its handler, with SAFE_MODE, and leaves a trace in the trail', async () => {
    const { call, turn, recorded } = mesh(counting(() => expect.fail('the handler ran')));
    turn(SAFE);
    await expect(call('countTokens').answers.next()).rejects.toMatchObject({ code: 'safe-mode', reason: 'SAFE_MODE' });
    expect(recorded).toEqual(['call.refused']);
  });

  it('runs if its method serves always, and is recorded', async () => {
    const { call, turn, recorded } = mesh(endless('serve'));
    turn(SAFE);
    expect((await call('generate').answers.next()).done).toBe(false);
    expect(recorded).toEqual(['call.served']);
  });

  it('runs as a diagnosis for operators alone', async () => {
    const { call, turn } = mesh(endless('diagnose'));
    turn(SAFE);
    await expect(call('generate').answers.next()).rejects.toMatchObject({ code: 'safe-mode' });
    expect((await call('generate', {}, { caller: { ...NOBODY, operator: true } }).answers.next()).done).toBe(false);
  });

  it("is refused even to operators where the safe mode is this instance's own", async () => {
    const { call, turn } = mesh(endless('diagnose'));
    turn(LEASE_LOST);
    await expect(call('generate', {}, { caller: { ...NOBODY, operator: true } }).answers.next()).rejects.toMatchObject({
      code: 'safe-mode',
    });
  });

  it.each([
    ['starting', 'starting'],
    ['halted', 'halted'],
  ] as const)('has a code of its own while %s', async (mode, code) => {
    const { call, turn } = mesh(endless('refuse'));
    turn({ ...NORMAL, mode });
    await expect(call('generate').answers.next()).rejects.toMatchObject({ code });
  });
});

describe('a call whose process gets no receipts for its audit entries', () => {
  it('is refused before its handler, unless it is about trust and trail themselves', async () => {
    let handled = 0;
    const count = async () => ({ promptTokens: (handled += 1), answerTokensMax: 0, promptTokensMax: 0 });
    const refusing = mesh({ countTokens: { inSafeMode: 'refuse', handle: count } });
    refusing.loseTrail();
    await expect(refusing.call('countTokens').answers.next()).rejects.toMatchObject({ code: 'audit-unavailable' });
    expect(handled).toBe(0);
    const serving = mesh({ countTokens: { inSafeMode: 'serve', handle: count } });
    serving.loseTrail();
    await serving.call('countTokens').answers.next();
    expect(handled).toBe(1);
  });
});

describe('a stream that is under way when the mode changes', () => {
  it('is cut at once although its handler never answers again', async () => {
    const { call, turn } = mesh({
      generate: {
        inSafeMode: 'refuse',
        async *handle() {
          yield chunk('la');
          await new Promise(() => {});
        },
      },
    });
    const { answers } = call('generate');
    await answers.next();
    const waiting = answers.next();
    turn(SAFE);
    await expect(waiting).rejects.toMatchObject({ code: 'safe-mode' });
  });

  it('tells its handler by the signal', async () => {
    const ended = Promise.withResolvers<unknown>();
    const { call, turn } = mesh({
      generate: {
        inSafeMode: 'refuse',
        async *handle(_request, { signal }) {
          signal.addEventListener('abort', () => ended.resolve(signal.reason));
          while (true) yield chunk('la');
        },
      },
    });
    const { answers } = call('generate');
    await answers.next();
    turn(SAFE);
    expect(await ended.promise).toMatchObject({ code: 'safe-mode' });
    await expect(answers.next()).rejects.toMatchObject({ code: 'safe-mode' });
  });

  it('emits nothing after a lease ran out, although no timer has fired yet', async () => {
    const { call, expire } = mesh(endless('refuse'));
    const { answers } = call('generate');
    await answers.next();
    expire(LEASE_LOST);
    await expect(answers.next()).rejects.toMatchObject({ code: 'safe-mode' });
  });
});

describe('a call with a deadline', () => {
  it('is refused when it comes too late', async () => {
    const { call } = mesh(counting(() => expect.fail('the handler ran')));
    await expect(call('countTokens', {}, { deadlineMs: 0 }).answers.next()).rejects.toMatchObject({ code: 'deadline-exceeded' });
  });

  it('is refused as late rather than as unsafe: the deadline stands before the guard', async () => {
    const { call, turn } = mesh(counting());
    turn(SAFE);
    await expect(call('countTokens', {}, { deadlineMs: 0 }).answers.next()).rejects.toMatchObject({ code: 'deadline-exceeded' });
  });
});

describe('a process that is full', () => {
  it('refuses at once with overloaded, and serves again when a call has left', async () => {
    const { call } = mesh(endless('refuse'), { inflightMax: 1 });
    const first = call('generate').answers;
    await first.next();
    await expect(call('generate').answers.next()).rejects.toMatchObject({ code: 'overloaded', retryable: true });
    await first.return?.();
    expect((await call('generate').answers.next()).done).toBe(false);
  });

  it('in safe mode says safe mode: a refused call takes no place', async () => {
    const { call, turn } = mesh(endless('refuse'), { inflightMax: 0 });
    turn(SAFE);
    await expect(call('generate').answers.next()).rejects.toMatchObject({ code: 'safe-mode' });
  });
});

describe('a unary call that is repeated with its idempotency key', () => {
  const once = () => {
    let runs = 0;
    return { runs: () => runs, ...mesh(counting(async () => ({ ...counted, promptTokens: ++runs }))) };
  };
  const request = { messages: [], tier: 'lite' };

  it('gets the first answer again', async () => {
    const { call, runs } = once();
    const answers = await Promise.all([1, 2].map(() => call('countTokens', request, { idempotencyKey: 'k' }).answers.next()));
    expect(answers.map(({ value }) => value)).toEqual([
      { ...counted, promptTokens: 1 },
      { ...counted, promptTokens: 1 },
    ]);
    expect(runs()).toBe(1);
  });

  it('and another request is a conflict', async () => {
    const { call } = once();
    await call('countTokens', request, { idempotencyKey: 'k' }).answers.next();
    await expect(
      call('countTokens', { ...request, tier: 'premium' }, { idempotencyKey: 'k' }).answers.next(),
    ).rejects.toMatchObject({ code: 'conflict' });
  });

  it('of another caller runs anew', async () => {
    const { call, runs } = once();
    await call('countTokens', request, { idempotencyKey: 'k' }).answers.next();
    await call('countTokens', request, { idempotencyKey: 'k', caller: { ...NOBODY, user: 'eve' } }).answers.next();
    expect(runs()).toBe(2);
  });

  it('runs again after a failure', async () => {
    let runs = 0;
    const { call } = mesh(
      counting(async () => (++runs === 1 ? Promise.reject(new MeshError('unavailable', 'not yet')) : counted)),
    );
    await expect(call('countTokens', request, { idempotencyKey: 'k' }).answers.next()).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect((await call('countTokens', request, { idempotencyKey: 'k' }).answers.next()).value).toEqual(counted);
  });
});

describe('a handler that fails', () => {
  it('with something unknown is an internal failure that says nothing of it', async () => {
    const { call } = mesh(counting(() => Promise.reject(new Error('a user said hello'))));
    await expect(call('countTokens').answers.next()).rejects.toMatchObject({ code: 'internal', message: 'unexpected failure' });
  });

  it('because its caller left is cancelled, whatever it throws', async () => {
    const { call } = mesh({
      countTokens: {
        inSafeMode: 'refuse',
        handle: (_request, { signal }) =>
          new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('odd')))),
      },
    });
    const { answers, end } = call('countTokens');
    const waiting = answers.next();
    end(new MeshError('cancelled', 'the caller has left'));
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('a method without a safe-mode rule', () => {
  it('does not compile', () => {
    // @ts-expect-error: inSafeMode is missing, and has no default.
    implement(LlmServiceService, { countTokens: { handle: async () => counted }, generate: endless('serve').generate });
  });
});
