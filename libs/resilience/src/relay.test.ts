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
    const metrics = { gauge: () => ({ set: quiet }), counter: () => ({ inc: quiet }) };
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

  async #answer(): Promise<string> {
    const tookMs = this.tookMs;
    const results = this.relay.answer<{ model: string; kill(): void }, string>({
      course: this.course(),
      signal: new AbortController().signal,
      allowedMs: ALLOWED_MS,
      engine: async ({ model }) => ({ model, kill: () => this.killed.push(model) }),
      async *ask({ model }, _leg, { begun }) {
        begun();
        await new Promise((resolve) => setTimeout(resolve, tookMs[model]));
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
