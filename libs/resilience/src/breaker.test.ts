import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Breaker, type Outcome, PROBE_FIRST_MS, PROBE_MOST_MS, PROBES_TO_CLOSE, STABLE_MS } from './breaker.ts';
import { FAILURES_MIN, SAMPLES_MIN } from './window.ts';

// Time is virtual: opossum's timer and the breaker's clock are both turned by hand.
beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const GOOD: Outcome = { kind: 'answered', share: 0.5 };
const SLOW: Outcome = { kind: 'answered', share: 1.5 };
const FAILED: Outcome = { kind: 'failed' };

function opened(): { breaker: Breaker; states: string[] } {
  const states: string[] = [];
  const breaker = new Breaker({ nowMs: () => Date.now(), onChange: ({ kind }) => states.push(kind) });
  return { breaker, states };
}

async function send(breaker: Breaker, outcome: Outcome, times = 1): Promise<void> {
  for (let sent = 0; sent < times; sent += 1) await breaker.enter().settle(outcome);
}

async function broken(): Promise<{ breaker: Breaker; states: string[] }> {
  const rig = opened();
  await send(rig.breaker, FAILED, FAILURES_MIN);
  return rig;
}

describe('a closed breaker', () => {
  it('opens when the model fails, and says why', async () => {
    const { breaker } = await broken();
    expect(breaker.state).toEqual({
      kind: 'open',
      cause: 'failing',
      because: '3 of the last 3 requests failed, 0 of them by silence',
    });
  });

  it('opens when the P99 is beyond what is allowed, though every request is answered', async () => {
    const { breaker } = opened();
    await send(breaker, SLOW, SAMPLES_MIN - 1);
    expect(breaker.state.kind).toBe('closed');
    await send(breaker, SLOW);
    expect(breaker.state).toMatchObject({
      kind: 'open',
      cause: 'slow',
      because: 'P99 of 20 answers is 150 % of what is allowed',
    });
  });

  it('opens at once when its engine hangs', () => {
    const { breaker } = opened();
    breaker.hung('silent for a while');
    expect(breaker.state).toEqual({ kind: 'open', cause: 'silent', because: 'silent for a while' });
  });

  it('stays closed whatever callers do that says nothing about the model', async () => {
    const { breaker } = opened();
    await send(breaker, { kind: 'unjudged' }, 100);
    expect(breaker.state.kind).toBe('closed');
  });
});

describe('an open breaker', () => {
  it('asks for a probe after its wait, one at a time', async () => {
    const { breaker } = await broken();
    vi.advanceTimersByTime(PROBE_FIRST_MS - 1);
    expect(breaker.state.kind).toBe('open');
    vi.advanceTimersByTime(1);
    expect([breaker.state.kind, breaker.wantsProbe]).toEqual(['half-open', true]);
    breaker.enter();
    expect(breaker.wantsProbe).toBe(false);
  });

  it('is not moved by work that was begun before it opened', async () => {
    const { breaker } = opened();
    const old = breaker.enter();
    await send(breaker, FAILED, FAILURES_MIN);
    vi.advanceTimersByTime(PROBE_FIRST_MS);
    await old.settle(GOOD);
    expect(breaker.state.kind).toBe('half-open');
    await old.settle(FAILED);
    expect(breaker.state.kind).toBe('half-open');
  });
});

describe('a half-open breaker', () => {
  it('closes after enough good probes in a row, and has forgotten what was before', async () => {
    const { breaker, states } = await broken();
    vi.advanceTimersByTime(PROBE_FIRST_MS);
    await send(breaker, GOOD, PROBES_TO_CLOSE - 1);
    expect(breaker.state.kind).toBe('half-open');
    await send(breaker, GOOD);
    expect(states).toEqual(['open', 'half-open', 'closed']);
    await send(breaker, FAILED, FAILURES_MIN - 1);
    expect(breaker.state.kind).toBe('closed');
  });

  it('opens again on a probe that fails or is too slow', async () => {
    for (const bad of [FAILED, SLOW, { kind: 'silent' } as const]) {
      const { breaker } = await broken();
      vi.advanceTimersByTime(PROBE_FIRST_MS);
      await send(breaker, bad);
      expect(breaker.state.kind).toBe('open');
    }
  });

  it('goes on probing when a probe said nothing', async () => {
    const { breaker } = await broken();
    vi.advanceTimersByTime(PROBE_FIRST_MS);
    await send(breaker, { kind: 'unjudged' });
    expect([breaker.state.kind, breaker.wantsProbe]).toEqual(['half-open', true]);
  });
});

describe('a model at the edge of its threshold', () => {
  it('is probed ever more seldom, so that traffic does not go to and fro', async () => {
    const { breaker, states } = await broken();
    for (let minute = 0; minute < 60; minute += 1) {
      for (let second = 0; second < 60; second += 1) {
        vi.advanceTimersByTime(1_000);
        // Good when probed, failing as soon as callers are back.
        await send(breaker, breaker.state.kind === 'half-open' ? GOOD : FAILED, PROBES_TO_CLOSE);
      }
    }
    const hourAtMost = 3_600_000 / PROBE_MOST_MS + 10;
    expect(states.filter((kind) => kind === 'closed').length).toBeLessThanOrEqual(hourAtMost);
  });

  it('begins with the first wait again once it was well for long enough', async () => {
    const { breaker } = await broken();
    vi.advanceTimersByTime(PROBE_FIRST_MS);
    await send(breaker, GOOD, PROBES_TO_CLOSE);
    vi.advanceTimersByTime(STABLE_MS);
    await send(breaker, FAILED, FAILURES_MIN);
    vi.advanceTimersByTime(PROBE_FIRST_MS);
    expect(breaker.state.kind).toBe('half-open');
  });
});

describe('any history of a breaker', () => {
  it('goes from closed to open, from open to half-open, and from there to either; and never twice within the first wait', async () => {
    const step = fc.record({
      outcome: fc.constantFrom<Outcome>(GOOD, SLOW, FAILED, { kind: 'silent' }, { kind: 'unjudged' }),
      times: fc.integer({ min: 1, max: 25 }),
      waitMs: fc.integer({ min: 0, max: 20_000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const changes: { kind: string; atMs: number }[] = [{ kind: 'closed', atMs: Number.NEGATIVE_INFINITY }];
        const breaker = new Breaker({
          nowMs: () => Date.now(),
          onChange: ({ kind }) => changes.push({ kind, atMs: Date.now() }),
        });
        for (const { outcome, times, waitMs } of steps) {
          await send(breaker, outcome, times);
          vi.advanceTimersByTime(waitMs);
        }
        breaker.close();
        const legal = new Set(['closed>open', 'open>half-open', 'half-open>open', 'half-open>closed']);
        for (const [index, { kind }] of changes.entries())
          if (index > 0) expect(legal).toContain(`${changes[index - 1]?.kind}>${kind}`);
        const openings = changes.filter(({ kind }) => kind === 'open').map(({ atMs }) => atMs);
        for (const [index, atMs] of openings.entries())
          if (index > 0) expect(atMs - (openings[index - 1] ?? 0)).toBeGreaterThanOrEqual(PROBE_FIRST_MS);
      }),
      { numRuns: 200 },
    );
  });
});
