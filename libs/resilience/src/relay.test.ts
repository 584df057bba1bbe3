import type { Events } from '@smartlite/contracts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Relay } from './relay.ts';
import type { Candidate } from './route.ts';

// Time is virtual.
beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const ALLOWED_MS = 1_000;
const CANDIDATES: readonly Candidate[] = [
  { model: 'first', role: 'primary' },
  { model: 'second', role: 'fallback' },
];
const CONDITIONS = { fallbacksOnly: false, substitutions: {}, unusable: () => undefined };

/** Two models whose speed the test sets: how long their first result takes. */
class Rig {
  tookMs: Record<string, number> = { first: 100, second: 100 };
  routes: string[] = [];
  killed: string[] = [];
  readonly relay: Relay;

  constructor() {
    const quiet = () => undefined;
    const publishEvent = <T extends 'route.changed' | 'breaker.changed'>(_type: T, data: Events[T]) =>
      'tier' in data && this.routes.push(`${data.from}>${data.to}`);
    const clock = { monotonicMs: () => Date.now() };
    const metrics = { gauge: () => ({ set: quiet }), counter: () => ({ inc: quiet }), histogram: () => ({ observe: quiet }) };
    const parts = { log: { warn: quiet }, bus: { publishEvent }, trail: { record: quiet }, metrics };
    this.relay = new Relay({ service: 'asr', instance: 'asr-1', clock, ...parts }, () => this.course());
  }

  course() {
    return this.relay.course('tier', CANDIDATES, CONDITIONS);
  }

  /** Who answers one request; time goes on until somebody has. */
  async turn(): Promise<string | undefined> {
    let by: string | undefined;
    const answer = this.#answer().then((model) => (by = model));
    while (by === undefined) await vi.advanceTimersByTimeAsync(50);
    await answer;
    return by;
  }

  /** A small question beside the work, which any model answers at once. */
  async aside(): Promise<string> {
    return this.#answer({ aside: true });
  }

  async #answer({ aside = false } = {}): Promise<string> {
    const tookMs = this.tookMs;
    const results = this.relay.answer<{ model: string; kill(): void }, string>({
      aside,
      course: this.course(),
      signal: new AbortController().signal,
      allowedMs: ALLOWED_MS,
      engine: async ({ model }) => ({ model, kill: () => this.killed.push(model) }),
      async *ask({ model }, _leg, { begun }) {
        begun();
        if (!aside) await new Promise((resolve) => setTimeout(resolve, tookMs[model]));
        yield model;
      },
    });
    for await (const model of results) return model;
    return 'nobody';
  }
}

async function turns(rig: Rig, count: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let turn = 0; turn < count; turn += 1) {
    const by = (await rig.turn()) ?? 'nobody';
    counts[by] = (counts[by] ?? 0) + 1;
  }
  return counts;
}

describe('hundreds of turns of which one model becomes slow and well again', () => {
  it('are all answered: traffic leaves the slow one, and comes back when it is well', async () => {
    const rig = new Rig();
    expect(await turns(rig, 100)).toEqual({ first: 100 });
    rig.tookMs['first'] = 3_000;
    expect(await turns(rig, 300)).toEqual({ second: 300 });
    rig.tookMs['first'] = 100;
    const after = await turns(rig, 1_000);
    expect(after['first']).toBeGreaterThan(300);
    expect((after['first'] ?? 0) + (after['second'] ?? 0)).toBe(1_000);
    expect([rig.routes[0], rig.routes.at(-1), rig.killed]).toEqual(['first>second', 'second>first', []]);
  });
});

describe('a small question beside the work', () => {
  it('brings no slow model back by being answered at once', async () => {
    const rig = new Rig();
    rig.tookMs['first'] = 3_000;
    // Until its breaker is open.
    await turns(rig, 300);
    const before = [...rig.routes];
    // For longer than the longest wait before a probe.
    for (let turn = 0; turn < 700; turn += 1) {
      for (let question = 0; question < 3; question += 1) await rig.aside();
      expect(await rig.turn()).toBe('second');
    }
    expect(rig.routes).toEqual(before);
    expect(before.at(-1)).toBe('first>second');
  });

  it('hides no model that fails at the work itself', async () => {
    const rig = new Rig();
    rig.tookMs['first'] = 3_000;
    let left = '';
    for (let turn = 0; turn < 300 && left === ''; turn += 1) {
      for (let question = 0; question < 20; question += 1) await rig.aside();
      await rig.turn();
      left = /first .*requests failed/.exec(rig.course().obstacles)?.[0] ?? '';
    }
    expect(left).toContain('has an open breaker');
  });
});

describe('a model whose answers are just within what is allowed', () => {
  it('is never left', async () => {
    const rig = new Rig();
    rig.tookMs['first'] = ALLOWED_MS - 1;
    expect(await turns(rig, 300)).toEqual({ first: 300 });
    expect(rig.routes).toEqual([]);
  });
});

describe('when every model is slow', () => {
  it('callers are answered all the same: a slow answer is better than none', async () => {
    const rig = new Rig();
    rig.tookMs = { first: 3_000, second: 2_000 };
    const counts = await turns(rig, 100);
    expect(counts['nobody']).toBeUndefined();
    expect(rig.killed).toEqual([]);
  });
});

describe('a shadow', () => {
  const SHADOWED: readonly Candidate[] = [
    { model: 'first', role: 'primary' },
    { model: 'second', role: 'shadow' },
  ];
  const POLICY = { share: 0.5, window_s: 60, samples_min: 3, disagreement_max: 0.3 };

  /** Requests that take 100 ms each, a shadow that is as quick, and what became of its copies. */
  function shadowed(disagreement = 0) {
    const asked: string[] = [];
    const copies: string[] = [];
    const quiet = () => undefined;
    const inc = ({ outcome }: Readonly<Record<string, string>>) => outcome !== undefined && copies.push(outcome);
    const relay = new Relay({
      service: 'asr',
      instance: 'asr-1',
      clock: { monotonicMs: () => Date.now() },
      log: { warn: quiet },
      bus: { publishEvent: quiet },
      trail: { record: quiet },
      metrics: { gauge: () => ({ set: quiet }), counter: () => ({ inc }), histogram: () => ({ observe: () => undefined }) },
    });
    const course = (unusable: readonly string[] = []) =>
      relay.course(
        'tier',
        SHADOWED,
        {
          ...CONDITIONS,
          shadowsStandIn: true,
          unusable: (model) => (unusable.includes(model) ? 'is away' : undefined),
        },
        POLICY,
      );
    const request = async () => {
      const results = relay.answer<{ model: string; kill(): void }, string>({
        course: course(),
        signal: new AbortController().signal,
        allowedMs: ALLOWED_MS,
        shadowing: { policy: POLICY, disagreement: () => disagreement },
        engine: async ({ model }) => ({ model, kill: quiet }),
        async *ask({ model }, _leg, { begun, signal }) {
          begun();
          asked.push(model);
          await new Promise((resolve) => setTimeout(resolve, 100));
          signal.throwIfAborted();
          yield model;
        },
      });
      for await (const model of results) return model;
      return 'nobody';
    };
    return { relay, asked, copies, request, standsIn: () => course(['first']).legs.map(({ because }) => because) };
  }

  it('gets its share of the requests after their callers have their answers, and its merit is known by them', async () => {
    const { asked, copies, request, standsIn } = shadowed();
    expect(standsIn()[0]).toContain('not measured lately');
    for (let turn = 0; turn < 10; turn += 1) {
      const answer = request();
      await vi.advanceTimersByTimeAsync(150);
      expect(await answer).toBe('first');
      await vi.advanceTimersByTimeAsync(150);
    }
    expect([asked.filter((model) => model === 'second').length, copies]).toEqual([5, Array(5).fill('compared')]);
    expect(standsIn()).toEqual([expect.not.stringContaining('lately')]);
  });

  it('that streams in time is not late for the length of its answer', async () => {
    const { relay, standsIn } = shadowed();
    const course = relay.course('tier', SHADOWED, { ...CONDITIONS, shadowsStandIn: true }, POLICY);
    for (let turn = 0; turn < 10; turn += 1) {
      const results = relay.answer<{ kill(): void }, number>({
        course,
        signal: new AbortController().signal,
        allowedMs: ALLOWED_MS,
        shadowing: { policy: POLICY, disagreement: () => 0 },
        engine: async () => ({ kill: () => undefined }),
        async *ask(_engine, _leg, { begun }) {
          begun();
          for (let word = 0; word < 20; word += 1) {
            await new Promise((resolve) => setTimeout(resolve, 100));
            yield word;
          }
        },
      });
      const read = (async () => {
        for await (const _word of results);
      })();
      await vi.advanceTimersByTimeAsync(5_000);
      await read;
    }
    expect(standsIn()).toEqual([expect.not.stringContaining('lately')]);
  });

  it('that says other things than the primary does not stand in', async () => {
    const { request, standsIn } = shadowed(0.9);
    for (let turn = 0; turn < 10; turn += 1) {
      void request();
      await vi.advanceTimersByTimeAsync(300);
    }
    expect(standsIn()).toEqual([]);
  });

  it('is the first to go under load: copies that run are dropped, and no others are made', async () => {
    const { asked, copies, request } = shadowed();
    for (let turn = 0; turn < 2; turn += 1) {
      void request();
      await vi.advanceTimersByTimeAsync(turn === 0 ? 300 : 150);
    }
    expect(asked.at(-1)).toBe('second');
    const callers = Array.from({ length: 6 }, () => request());
    await vi.advanceTimersByTimeAsync(300);
    await Promise.all(callers);
    expect(copies.length).toBeGreaterThan(0);
    expect(new Set(copies)).toEqual(new Set(['dropped']));
    expect(asked.filter((model) => model === 'second')).toHaveLength(1);
  });
});

describe('a request that could not be answered before its caller has no use for it', () => {
  it('is given to the next candidate that can; with none it is refused at once, and told when to come again', async () => {
    const rig = new Rig();
    const waits: Record<string, number> = { first: 5_000, second: 0 };
    const ask = async () => {
      const results = rig.relay.answer<{ model: string; waitMs: number; kill(): void }, string>({
        course: rig.course(),
        signal: new AbortController().signal,
        allowedMs: ALLOWED_MS,
        dueMs: Date.now() + 2_000,
        engine: async ({ model }) => ({ model, waitMs: waits[model] ?? 0, kill: () => undefined }),
        async *ask({ model }, _leg, { begun }) {
          begun();
          yield model;
        },
      });
      for await (const model of results) return model;
      return 'nobody';
    };
    expect(await ask()).toBe('second');
    waits['second'] = 3_000;
    await expect(ask()).rejects.toMatchObject({ code: 'overloaded', retryAfterMs: 3_000 });
  });
});
